using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>How a process ended.</summary>
readonly record struct ExitStatus(int Code, int Signal)
{
    /// <summary>The status word of wait4. Nobody writes core files here, so the bit for them stays clear.</summary>
    public int WaitStatus => Signal != 0 ? Signal : (Code & 0xFF) << 8;

    /// <summary>The code that a shell reports.</summary>
    public int ShellCode => Signal != 0 ? 128 + Signal : Code & 0xFF;

    public static int Stopped(int signal) => signal << 8 | 0x7F;

    public const int Continued = 0xFFFF;

    /// <summary>What SIGCHLD says.</summary>
    public SignalInfo ChildSignal(int processId, uint user) =>
        new(Abi.Signal.SIGCHLD, Signal != 0 ? SignalInfo.ChildKilled : SignalInfo.ChildExited)
        {
            ProcessId = processId,
            UserId = user,
            Status = Signal != 0 ? Signal : Code & 0xFF,
        };
}
