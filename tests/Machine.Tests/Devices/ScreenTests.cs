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
