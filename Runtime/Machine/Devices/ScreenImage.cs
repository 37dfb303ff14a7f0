namespace FastVcpu.Machine.Devices;

/// <summary>A text screen of 80 by 25 cells as a picture of 640 by 400 pixels.</summary>
static class ScreenImage
{
    /// <summary>Bytes of the font that a guest loads: 32 for each character.</summary>
    public const int FontBytes = 256 * BytesPerGlyph;

    const int BytesPerGlyph = 32, Columns = TextScreen.Columns, Rows = TextScreen.Rows, CursorRow = 14;
    const int Width = Columns * ScreenFont.Width;

    /// <summary>The colours of an IBM colour adapter, with its brown.</summary>
    static readonly uint[] Palette =
    [
        0x000000, 0x0000AA, 0x00AA00, 0x00AAAA, 0xAA0000, 0xAA00AA, 0xAA5500, 0xAAAAAA, 0x555555, 0x5555FF, 0x55FF55, 0x55FFFF, 0xFF5555, 0xFF55FF, 0xFFFF55, 0xFFFFFF,
    ];

    /// <summary>Draws a screen as PNG.</summary>
    /// <param name="cells">Characters and attributes.</param>
    /// <param name="font">The font that the guest has loaded; a character without a pixel is drawn from the built-in one.</param>
    /// <param name="cursor">Number of the cell with the cursor; elsewhere it is not shown.</param>
    public static byte[] Draw(ReadOnlySpan<byte> cells, ReadOnlySpan<byte> font, int cursor)
    {
        byte[] pixels = new byte[Width * Rows * ScreenFont.Height];
        for (int cell = 0; cell < Columns * Rows; cell++)
        {
            byte code = cells[cell * 2], attribute = cells[cell * 2 + 1];
            ReadOnlySpan<byte> loaded = font.Slice(code * BytesPerGlyph, ScreenFont.Height);
            ReadOnlySpan<byte> glyph = loaded.ContainsAnyExcept((byte)0) ? loaded : ScreenFont.Glyph(code);
            int at = cell / Columns * ScreenFont.Height * Width + cell % Columns * ScreenFont.Width;
            for (int row = 0; row < ScreenFont.Height; row++, at += Width)
            {
                byte bits = cell == cursor && row >= CursorRow ? (byte)0xFF : glyph[row];
                for (int column = 0; column < ScreenFont.Width; column++)
                {
                    // The highest bit of the background blinks.
                    pixels[at + column] = (byte)((bits & 0x80 >> column) != 0 ? attribute & 0xF : attribute >> 4 & 7);
                }
            }
        }
        return PngFile.Make(Width, pixels, Palette);
    }
}
