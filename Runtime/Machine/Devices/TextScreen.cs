using System.Text;

namespace FastVcpu.Machine.Devices;

/// <summary>A text screen of 80 by 25 cells as text.</summary>
static class TextScreen
{
    public const int Columns = 80, Rows = 25;
    const int CellSize = 2;

    /// <summary>Code page 437 from 128 on.</summary>
    const string UpperHalf =
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0";

    /// <summary>Bytes of the screen.</summary>
    public const int Bytes = Columns * Rows * CellSize;

    /// <summary>A character of code page 437; the ones below 20h are shown as blanks.</summary>
    public static char Character(byte code) => code < 0x20 ? ' ' : code < 0x80 ? (char)code : UpperHalf[code - 0x80];

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
                line.Append(Character(code));
            }
            text.AppendLine(line.ToString().TrimEnd());
        }
        return text.ToString();
    }
}
