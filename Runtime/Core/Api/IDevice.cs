namespace FastVcpu;

/// <summary>
/// A device behind a range of ports or of physical addresses (<see cref="VirtualMachine.AttachPorts"/>, <see cref="VirtualMachine.AttachMemory"/>). It is
/// called on the thread of the vCPU that accesses it, between two instructions; several vCPUs may do so at once. A wide access may reach beyond the end
/// of the range.
/// </summary>
public interface IDevice
{
    /// <summary>The guest reads.</summary>
    /// <param name="offset">Distance from the start of the range.</param>
    /// <param name="data">Receives 1, 2, 4 or 8 bytes (other counts up to 8 from memory), lowest first; zeroed before.</param>
    void Read(ulong offset, Span<byte> data);

    /// <summary>The guest writes.</summary>
    /// <param name="offset">Distance from the start of the range.</param>
    /// <param name="data">The bytes, lowest first.</param>
    void Write(ulong offset, ReadOnlySpan<byte> data);
}
