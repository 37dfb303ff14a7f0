namespace FastVcpu.Machine.Devices;

/// <summary>A disk in memory: what is written is gone with it.</summary>
/// <param name="image">Its sectors.</param>
public sealed class MemoryDisk(Memory<byte> image) : IDisk, IStateful
{
    /// <inheritdoc/>
    public long Length => image.Length;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> data) => image.Span.Slice((int)offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> data) => data.CopyTo(image.Span[(int)offset..]);

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Require(state.Value(Length) == Length);
        state.Bytes(image.Span);
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }
}
