namespace FastVcpu.Interrupts;

/// <summary>A device on the eight-bit bus behind consecutive ports: wider accesses arrive as bytes, and beyond its ports nothing answers.</summary>
/// <param name="count">Number of ports.</param>
abstract class BytePorts(int count) : IDevice
{
    const byte Floating = 0xFF;

    public void Read(ulong offset, Span<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            int port = (int)offset + i;
            data[i] = port < count ? Read(port) : Floating;
        }
    }

    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length && (int)offset + i < count; i++)
        {
            Write((int)offset + i, data[i]);
        }
    }

    protected abstract byte Read(int port);

    protected abstract void Write(int port, byte value);
}
