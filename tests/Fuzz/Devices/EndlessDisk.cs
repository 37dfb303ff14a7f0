using FastVcpu.Machine.Devices;

namespace FastVcpu.Fuzz.Devices;

/// <summary>A disk of a tebibyte that keeps nothing.</summary>
sealed class EndlessDisk : IDisk
{
    public long Length => 1L << 40;

    public bool IsReadOnly => false;

    public void Read(long offset, Span<byte> data) => data.Clear();

    public void Write(long offset, ReadOnlySpan<byte> data)
    {
    }

    public void Flush()
    {
    }
}
