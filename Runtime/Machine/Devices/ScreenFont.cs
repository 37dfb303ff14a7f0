using System.Text;

namespace FastVcpu.Machine.Devices;

/// <summary>Letters of 8 by 16 pixels for code page 437, for screens whose guest has loaded none: plain ones, and lines and blocks that meet.</summary>
static class ScreenFont
{
    public const int Width = 8, Height = 16;
    const int FirstLetter = 0x20, RowsOfLetter = 8, FirstLine = 0xB3, Light = 0xB0, Dark = 0xB2;

    /// <summary>The letters of ASCII: eight rows of five pixels, each a digit of base 32; the last row is for what goes below the line.</summary>
    const string Letters =
        "00000000" + "44444040" + "AA000000" + "AAVAVAA0" + "4FKE5U40" + "OP248J30" + "CIK8LID0" + "44800000" + "24888420" + "84222480" + "04LEL400" + "044V4400"
        + "0000C480" + "000V0000" + "00000CC0" + "01248G00" + "EHJLPHE0" + "4C4444E0" + "EH1248V0" + "V2421HE0" + "26AIV220" + "VGU11HE0" + "68GUHHE0" + "V1248880"
        + "EHHEHHE0" + "EHHF12C0" + "0CC0CC00" + "0CC0C480" + "248G8420" + "00V0V000" + "84212480" + "EH124040" + "EH1DLLE0" + "EHHVHHH0" + "UHHUHHU0" + "EHGGGHE0"
        + "SIHHHIS0" + "VGGUGGV0" + "VGGUGGG0" + "EHGNHHF0" + "HHHVHHH0" + "E44444E0" + "72222IC0" + "HIKOKIH0" + "GGGGGGV0" + "HRLLHHH0" + "HHPLJHH0" + "EHHHHHE0"
        + "UHHUGGG0" + "EHHHLID0" + "UHHUKIH0" + "FGGE11U0" + "V4444440" + "HHHHHHE0" + "HHHHHA40" + "HHHLLLA0" + "HHA4AHH0" + "HHHA4440" + "V1248GV0" + "E88888E0"
        + "0G842100" + "E22222E0" + "4AH00000" + "0000000V" + "84200000" + "00E1FHF0" + "GGMPHHU0" + "00EGGHE0" + "11DJHHF0" + "00EHVGE0" + "698S8880" + "00FHHF1E"
        + "GGMPHHH0" + "40C444E0" + "206222IC" + "GGIKOKI0" + "C44444E0" + "00QLLHH0" + "00MPHHH0" + "00EHHHE0" + "00UHHUGG" + "00FHHF11" + "00MPGGG0" + "00EGE1U0"
        + "88S88960" + "00HHHJD0" + "00HHHA40" + "00HHLLA0" + "00HA4AH0" + "00HHHF1E" + "00V248V0" + "24484420" + "44444440" + "84424480" + "008L2000";

    /// <summary>The lines from │ to ┌: how many go up, down, left and right.</summary>
    const string Lines =
        "1100" + "1110" + "1120" + "2210" + "0210" + "0120" + "2220" + "2200" + "0220" + "2020" + "2010" + "1020" + "0110" + "1001" + "1011" + "0111" + "1101" + "0011" + "1111" + "1102"
        + "2201" + "2002" + "0202" + "2022" + "0222" + "2202" + "0022" + "2222" + "1022" + "2011" + "0122" + "0211" + "2001" + "1002" + "0102" + "0201" + "2211" + "1122" + "1010" + "0101";

    static readonly byte[] Glyphs = Make();

    /// <summary>The rows of a character; the highest bit is the left pixel.</summary>
    public static ReadOnlySpan<byte> Glyph(byte code) => Glyphs.AsSpan(code * Height, Height);

    static byte[] Make()
    {
        byte[] glyphs = new byte[256 * Height];
        for (int code = FirstLetter; code < 256; code++)
        {
            Span<byte> glyph = glyphs.AsSpan(code * Height, Height);
            switch (code)
            {
                case >= Light and <= Dark:
                    Shade(glyph, code - Light + 1);
                    break;
                case >= FirstLine when code - FirstLine < Lines.Length / 4:
                    Line(glyph, Lines.AsSpan((code - FirstLine) * 4, 4));
                    break;
                case >= 0xDB and <= 0xDF:
                    Block(glyph, code);
                    break;
                case 0xFE:
                    glyph[5..11].Fill(0x7E);
                    break;
                default:
                    Letter(glyph, code);
                    break;
            }
        }
        return glyphs;
    }

    /// <summary>A letter with an accent is shown without; what is no letter of ASCII at all, as a frame.</summary>
    static void Letter(Span<byte> glyph, int code)
    {
        int letter = code < 0x7F ? code : code == 0x7F ? -1 : TextScreen.Character((byte)code).ToString().Normalize(NormalizationForm.FormD)[0];
        for (int row = 0; row < RowsOfLetter; row++)
        {
            int digit = letter is >= FirstLetter and < 0x7F ? Letters[(letter - FirstLetter) * RowsOfLetter + row] : "VHHHHHV0"[row];
            int bits = digit <= '9' ? digit - '0' : digit - 'A' + 10;
            glyph[row * 2] = glyph[row * 2 + 1] = code == 0xFF ? (byte)0 : (byte)(bits << 2);
        }
    }

    static void Shade(Span<byte> glyph, int quarters)
    {
        for (int row = 0; row < Height; row++)
        {
            glyph[row] = (quarters, row & 1) switch { (1, 0) => 0x88, (1, _) => 0x22, (2, 0) => 0xAA, (2, _) => 0x55, (_, 0) => 0x77, _ => 0xDD };
        }
    }

    static void Line(Span<byte> glyph, ReadOnlySpan<char> arms)
    {
        for (int row = 0; row < Height; row++)
        {
            // Single lines are two pixels wide in the middle; double ones leave the middle free.
            int vertical = row < Height / 2 ? arms[0] : arms[1];
            byte bits = vertical switch { '1' => 0x18, '2' => 0x24, _ => 0 };
            foreach ((char arm, int half) in new[] { (arms[2], 0xF0), (arms[3], 0x0F) })
            {
                bool isHere = arm == '1' ? row == 7 : arm == '2' && row is 5 or 9;
                bits |= isHere && arm != '0' ? (byte)half : (byte)0;
            }
            glyph[row] = bits;
        }
    }

    static void Block(Span<byte> glyph, int code)
    {
        const int Lower = 0xDC, Left = 0xDD, Right = 0xDE, Upper = 0xDF;
        for (int row = 0; row < Height; row++)
        {
            bool isUpper = row < Height / 2;
            glyph[row] = code switch
            {
                Left => 0xF0,
                Right => 0x0F,
                Lower => isUpper ? (byte)0 : (byte)0xFF,
                Upper => isUpper ? (byte)0xFF : (byte)0,
                _ => 0xFF,
            };
        }
    }
}
