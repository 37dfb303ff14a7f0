namespace FastVcpu.Machine.Devices;

/// <summary>A port whose writes are printed, one line each: POST codes. Reads give back the last value.</summary>
/// <param name="port">Its number, for the lines.</param>
/// <param name="writer">Where the lines go.</param>
public sealed class PortLog(ushort port, TextWriter writer) : IDevice, IStateful
{
    readonly byte[] last = new byte[8];

    /// <inheritdoc/>
    public void Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Bytes(last);
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => last.AsSpan((int)offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(last.AsSpan((int)offset));
        byte[] highestFirst = data.ToArray();
        Array.Reverse(highestFirst);
        writer.WriteLine($"port 0x{port + (int)offset:x}: 0x{Convert.ToHexStringLower(highestFirst)}");
    }
}
