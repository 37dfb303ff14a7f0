namespace FastVcpu.Gdb;

/// <summary>A program of Linux: what gdb asks for beside CPUs and memory.</summary>
public sealed class LinuxTarget
{
    /// <summary>Number of the process.</summary>
    public required int ProcessId { get; init; }

    /// <summary>The auxiliary vector, from which gdb learns where the program and its dynamic linker lie.</summary>
    public required Func<ReadOnlyMemory<byte>> AuxiliaryVector { get; init; }

    /// <summary>Path of the executable.</summary>
    public required Func<string> ExecutablePath { get; init; }
}
