using System.Buffers.Binary;
using System.IO.Compression;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>The text screen and the registers of its adapter.</summary>
public class ScreenTests
{
    [Fact]
    public void CellsAreShownAsText()
    {
        byte[] cells = new byte[TextScreen.Bytes];
        "Hello"u8.ToArray().Select((letter, i) => (letter, i)).ToList().ForEach(cell => cells[cell.i * 2] = cell.letter);
        cells[160] = 0xC9;
        cells[162] = 0xFE;
        string[] lines = TextScreen.Render(cells).Split(Environment.NewLine);
        Assert.Equal(["Hello", "╔■", ""], lines[..3]);
        Assert.Equal(26, lines.Length);
    }

    [Fact]
    public void APictureHasThePixelsOfTheLettersInTheirColours()
    {
        byte[] cells = new byte[TextScreen.Bytes], font = new byte[ScreenImage.FontBytes];
        (cells[0], cells[1]) = (0xDB, 0x1E);
        (cells[2], cells[3]) = ((byte)'A', 0x4F);
        (cells[4], cells[5]) = ((byte)'B', 0x07);
        font['B' * 32 + 3] = 0x81;
        byte[] png = ScreenImage.Draw(cells, font, cursor: 80);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], png[..4]);
        Assert.Equal((640, 400), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
        int data = png.AsSpan().IndexOf("IDAT"u8);
        using ZLibStream rows = new(new MemoryStream(png, data + 4, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(data - 4))), CompressionMode.Decompress);
        byte[] pixels = new byte[321 * 400];
        rows.ReadExactly(pixels);
        int Pixel(int x, int y) => pixels[y * 321 + 1 + x / 2] >> (x % 2 == 0 ? 4 : 0) & 0xF;
        Assert.Equal((14, 14), (Pixel(0, 0), Pixel(7, 15)));
        Assert.Equal((4, 15), (Pixel(8, 0), Pixel(11, 0)));
        Assert.Equal((7, 0, 7), (Pixel(16, 3), Pixel(17, 3), Pixel(23, 3)));
        Assert.Equal((0, 0), (Pixel(0, 16), Pixel(0, 31)));
    }

    /// <summary>Every letter but the blanks has pixels, and no two letters of ASCII are the same.</summary>
    [Fact]
    public void TheFontHasAllLetters()
    {
        string[] glyphs = [.. Enumerable.Range(0x20, 0xDF).Select(code => Convert.ToHexString(ScreenFont.Glyph((byte)code)))];
        Assert.Equal(1, glyphs.Count(glyph => glyph.Trim('0').Length == 0));
        Assert.Equal(95, glyphs.Take(95).Distinct().Count());
    }

    [Fact]
    public void TheControllerKeepsStartAndCursor()
    {
        VgaRegisters vga = new();
        foreach ((byte index, byte value) in new (byte, byte)[] { (0x0C, 1), (0x0D, 2), (0x0E, 3), (0x0F, 4) })
        {
            vga.Out(0x24, (ulong)(index | value << 8), 2);
        }
        Assert.Equal((0x102, 0x304), vga.Text);
        Assert.NotEqual(vga.In(0x2A), vga.In(0x2A));
    }

    [Fact]
    public void TheAttributeRegistersAlternateBetweenIndexAndData()
    {
        VgaRegisters vga = new();
        vga.In(0x2A);
        vga.Out(0x10, 5);
        vga.Out(0x10, 0x2A);
        vga.Out(0x10, 5);
        Assert.Equal(0x2Au, vga.In(0x11));
    }

    [Fact]
    public void RandomAccessesDoNoHarm()
    {
        VgaRegisters vga = new();
        Random random = new(2);
        for (int i = 0; i < 100_000; i++)
        {
            vga.Out(random.Next(VgaRegisters.PortCount), (ulong)random.Next(), 1 << random.Next(3));
            vga.In(random.Next(VgaRegisters.PortCount), 1 << random.Next(3));
        }
    }
}
