using System.Text;

namespace FastVcpu.Machine.Devices;

/// <summary>A text screen of 80 by 25 cells as text.</summary>
static class TextScreen
{
    const int Columns = 80, Rows = 25, CellSize = 2;

    /// <summary>Code page 437 from 128 on.</summary>
    const string UpperHalf =
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0";

    /// <summary>Bytes of the screen.</summary>
    public const int Bytes = Columns * Rows * CellSize;

    /// <summary>The lines, without blanks at their ends.</summary>
    public static string Render(ReadOnlySpan<byte> cells)
    {
        StringBuilder text = new();
        StringBuilder line = new(Columns);
        for (int row = 0; row < Rows; row++)
        {
            line.Clear();
            for (int column = 0; column < Columns; column++)
            {
                byte code = cells[(row * Columns + column) * CellSize];
                line.Append(code < 0x20 ? ' ' : code < 0x80 ? (char)code : UpperHalf[code - 0x80]);
            }
            text.AppendLine(line.ToString().TrimEnd());
        }
        return text.ToString();
    }
}
