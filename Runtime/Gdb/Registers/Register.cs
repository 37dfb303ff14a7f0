namespace FastVcpu.Gdb.Registers;

/// <summary>Reads a register of a vCPU into bytes, lowest first.</summary>
delegate void RegisterReader(Vcpu cpu, Span<byte> value);

/// <summary>Writes a register.</summary>
delegate void RegisterWriter(Vcpu cpu, ReadOnlySpan<byte> value);

/// <summary>A register as gdb sees it.</summary>
/// <param name="Feature">The feature of the target description that it belongs to.</param>
/// <param name="Name">gdb's name.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Type">gdb's type.</param>
/// <param name="Group">Group that it is listed in, or null.</param>
/// <param name="Read">Reads it.</param>
/// <param name="Write">Writes it.</param>
sealed record Register(string Feature, string Name, int Size, string Type, string? Group, RegisterReader Read, RegisterWriter Write);
