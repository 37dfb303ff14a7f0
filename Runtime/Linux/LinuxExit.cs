using FastVcpu.Linux.Process;

namespace FastVcpu.Linux;

/// <summary>How a program ended.</summary>
/// <param name="Code">Exit code, 0–255, when no signal ended it.</param>
/// <param name="Signal">The signal that ended it, or 0.</param>
public readonly record struct LinuxExit(int Code, int Signal)
{
    /// <summary>The code that a shell reports: the exit code, or 128 + the signal.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;

    /// <summary>The words that a shell prints, such as "Segmentation fault"; empty when no signal ended the program.</summary>
    public string Description => Signal == 0 ? "" : Abi.Signal.Description(Signal);

    internal static LinuxExit Of(ExitStatus status) => new(status.Code & 0xFF, status.Signal);
}
