namespace FastVcpu.Linux;

/// <summary>Memory for an argument of a function. Behind its last byte there is none, so that an access too far is a fault.</summary>
/// <param name="Space">Where it is.</param>
/// <param name="Address">Address of the first byte.</param>
/// <param name="Size">Bytes.</param>
public readonly record struct GuestBuffer(AddressSpace Space, ulong Address, ulong Size)
{
    /// <summary>Writes bytes so that the last one is the buffer's last.</summary>
    /// <param name="bytes">The bytes; what is more than there is room for is left out.</param>
    /// <returns>The address of the first one.</returns>
    public ulong PutAtEnd(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..(int)Math.Min((ulong)bytes.Length, Size)];
        ulong start = Address + Size - (ulong)bytes.Length;
        Space.Write(start, bytes);
        return start;
    }
}
