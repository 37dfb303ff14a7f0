using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Linux;

/// <summary>What a guest program is given.</summary>
public sealed record LinuxOptions
{
    /// <summary>The directory of the host that the program sees as "/". Paths, links and ".." do not lead out of it.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Whether the program may change files. Otherwise the root is a read-only file system.</summary>
    public bool IsWritable { get; init; }

    /// <summary>The working directory, a path in the guest.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Arguments behind the program's name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Argument 0; the program's path when null.</summary>
    public string? ProgramName { get; init; }

    /// <summary>Environment variables, NAME=value.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>The CPU that the program runs on.</summary>
    public CpuModel CpuModel { get; init; } = CpuModel.X86_64;

    /// <summary>The most bytes of host memory that a guest process may use.</summary>
    public ulong MemoryLimit { get; init; } = 4UL << 30;

    /// <summary>
    /// The most threads that all processes of the guest may have together. With one, it starts neither threads nor other programs beside itself.
    /// </summary>
    public int MaxThreads { get; init; } = 1000;

    /// <summary>Standard input; that of this process when null. The program gets a descriptor of its own.</summary>
    public SafeFileHandle? StandardInput { get; init; }

    /// <summary>Standard output; that of this process when null.</summary>
    public SafeFileHandle? StandardOutput { get; init; }

    /// <summary>Standard error; that of this process when null.</summary>
    public SafeFileHandle? StandardError { get; init; }

    /// <summary>Receives a line for each system call, in the style of strace; null for none.</summary>
    public TextWriter? SystemCallTrace { get; init; }

    /// <summary>Called once for each kind of system call that is not served, with its name or number; it has returned ENOSYS to the program.</summary>
    public Action<string>? UnknownSystemCall { get; init; }

    /// <summary>Called when an exception of the CPU kills a process of the guest.</summary>
    public Action<GuestCrash>? Crashed { get; init; }

    /// <summary>
    /// The time that the program sees, in its time-stamp counter as in its system calls. With an <see cref="InstructionClock"/> it is the same in every run, and so is, when random numbers are a sequence,
    /// all that the guest does: its threads take turns, and its standard streams count as ready – who reads them waits, and the time stands. Null: the host's time.
    /// </summary>
    public Clock? Clock { get; init; }

    /// <summary>Not 0: random numbers of the CPU and of the system are a sequence that begins here. 0: the host's.</summary>
    public ulong RandomSeed { get; init; }

    /// <summary>A debugger; null for none.</summary>
    public ILinuxDebugger? Debugger { get; init; }
}
