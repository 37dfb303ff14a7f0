namespace FastVcpu.Machine.Devices;

/// <summary>What a disk device keeps its sectors on. Offsets and lengths have been checked against <see cref="Length"/>.</summary>
public interface IDisk
{
    /// <summary>Bytes; does not change.</summary>
    long Length { get; }

    /// <summary>Nothing can be written.</summary>
    bool IsReadOnly { get; }

    /// <summary>Reads.</summary>
    /// <exception cref="IOException">It cannot be read; the guest is told.</exception>
    void Read(long offset, Span<byte> data);

    /// <summary>Writes.</summary>
    /// <exception cref="IOException">It cannot be written; the guest is told.</exception>
    void Write(long offset, ReadOnlySpan<byte> data);

    /// <summary>Returns when all that has been written is safe.</summary>
    void Flush();
}
