namespace FastVcpu.Linux.Abi;

/// <summary>Signal numbers of x86 Linux and what each does by default.</summary>
static class Signal
{
    public const int SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9;
    public const int SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17;
    public const int SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25;
    public const int SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPWR = 30, SIGSYS = 31;
    public const int Count = 64;

    /// <summary>Signals that no one can block, ignore or catch.</summary>
    public const ulong Unmaskable = 1UL << SIGKILL - 1 | 1UL << SIGSTOP - 1;

    const ulong IgnoredByDefault = 1UL << SIGCHLD - 1 | 1UL << SIGCONT - 1 | 1UL << SIGURG - 1 | 1UL << SIGWINCH - 1;
    const ulong StopsByDefault = 1UL << SIGSTOP - 1 | 1UL << SIGTSTP - 1 | 1UL << SIGTTIN - 1 | 1UL << SIGTTOU - 1;
    const ulong DumpsByDefault = 1UL << SIGQUIT - 1 | 1UL << SIGILL - 1 | 1UL << SIGTRAP - 1 | 1UL << SIGABRT - 1 | 1UL << SIGBUS - 1
        | 1UL << SIGFPE - 1 | 1UL << SIGSEGV - 1 | 1UL << SIGXCPU - 1 | 1UL << SIGXFSZ - 1 | 1UL << SIGSYS - 1;

    /// <summary>The bit of a signal in a set.</summary>
    public static ulong Bit(int signal) => 1UL << signal - 1;

    public static bool IsIgnoredByDefault(int signal) => (IgnoredByDefault & Bit(signal)) != 0;

    public static bool StopsProcess(int signal) => (StopsByDefault & Bit(signal)) != 0;

    /// <summary>Whether the wait status of a process that it kills has the core-dump bit on a system that writes cores.</summary>
    public static bool IsCrash(int signal) => (DumpsByDefault & Bit(signal)) != 0;

    static readonly string[] s_names =
    [
        "0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2",
        "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
        "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    static readonly string[] s_descriptions =
    [
        "", "Hangup", "Interrupt", "Quit", "Illegal instruction", "Trace/breakpoint trap", "Aborted", "Bus error", "Floating point exception",
        "Killed", "User defined signal 1", "Segmentation fault", "User defined signal 2", "Broken pipe", "Alarm clock", "Terminated",
        "Stack fault", "Child exited", "Continued", "Stopped (signal)", "Stopped", "Stopped (tty input)", "Stopped (tty output)",
        "Urgent I/O condition", "CPU time limit exceeded", "File size limit exceeded", "Virtual timer expired", "Profiling timer expired",
        "Window changed", "I/O possible", "Power failure", "Bad system call",
    ];

    /// <summary>The symbolic name.</summary>
    public static string Name(int signal) => (uint)signal < (uint)s_names.Length ? s_names[signal] : $"SIGRT_{(long)signal - 32}";

    /// <summary>The words a shell prints when a program dies of it.</summary>
    public static string Description(int signal) => (uint)signal < (uint)s_descriptions.Length ? s_descriptions[signal] : $"Real-time signal {signal - 34}";
}
