namespace FastVcpu.Machine.Devices;

/// <summary>A disk over another one: what is written is kept in memory, and the other one stays as it is.</summary>
/// <param name="below">The other one.</param>
public sealed class OverlayDisk(IDisk below) : IDisk, IStateful
{
    const int BlockSize = 4096;

    readonly Dictionary<long, byte[]> written = [];

    /// <inheritdoc/>
    public long Length => below.Length;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            (long block, int at) = (offset / BlockSize, (int)(offset % BlockSize));
            Span<byte> part = data[..Math.Min(data.Length, BlockSize - at)];
            if (written.TryGetValue(block, out byte[]? content))
            {
                content.AsSpan(at, part.Length).CopyTo(part);
            }
            else
            {
                below.Read(offset, part);
            }
            data = data[part.Length..];
            offset += part.Length;
        }
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            (long block, int at) = (offset / BlockSize, (int)(offset % BlockSize));
            ReadOnlySpan<byte> part = data[..Math.Min(data.Length, BlockSize - at)];
            if (!written.TryGetValue(block, out byte[]? content))
            {
                content = new byte[BlockSize];
                below.Read(block * BlockSize, content.AsSpan(0, (int)Math.Min(BlockSize, Length - block * BlockSize)));
                written[block] = content;
            }
            part.CopyTo(content.AsSpan(at));
            data = data[part.Length..];
            offset += part.Length;
        }
    }

    /// <summary>The blocks that have been written. The disk below is to be the same one.</summary>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Require(state.Value(Length) == Length);
        long[] blocks = [.. written.Keys.Order()];
        int count = state.Count(blocks.Length, int.MaxValue / BlockSize);
        Array.Resize(ref blocks, count);
        Dictionary<long, byte[]> before = state.IsRestoring ? new(written) : written;
        if (state.IsRestoring)
        {
            written.Clear();
        }
        foreach (ref long block in blocks.AsSpan())
        {
            state.Value(ref block, 0, (Length - 1) / BlockSize);
            byte[] content = before.GetValueOrDefault(block) ?? new byte[BlockSize];
            state.Bytes(content);
            written[block] = content;
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }
}
