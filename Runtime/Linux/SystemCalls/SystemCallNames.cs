using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Names of calls that are not served, so that a message says more than a number.</summary>
static class SystemCallNames
{
    static readonly Dictionary<ulong, string> s_amd64 = Table(
    [
        (29, "shmget"), (30, "shmat"), (31, "shmctl"),
        (64, "semget"), (68, "msgget"), (101, "ptrace"), (165, "mount"),
        (206, "io_setup"), (222, "timer_create"), (253, "inotify_init"), (282, "signalfd"), (283, "timerfd_create"),
        (289, "signalfd4"), (294, "inotify_init1"), (298, "perf_event_open"), (308, "setns"), (310, "process_vm_readv"), (317, "seccomp"),
        (321, "bpf"), (323, "userfaultfd"), (425, "io_uring_setup"), (434, "pidfd_open"),
    ]);

    static readonly Dictionary<ulong, string> s_i386 = Table(
    [
        (26, "ptrace"), (117, "ipc"), (259, "timer_create"), (291, "inotify_init"), (321, "signalfd"), (322, "timerfd_create"),
        (354, "seccomp"), (425, "io_uring_setup"), (434, "pidfd_open"),
    ]);

    /// <summary>The name, or "syscall_" and the number.</summary>
    public static string Of(LinuxAbi abi, ulong number) => (abi.Is64 ? s_amd64 : s_i386).GetValueOrDefault(number) ?? $"syscall_{number}";

    static Dictionary<ulong, string> Table((ulong Number, string Name)[] rows) => rows.ToDictionary(row => row.Number, row => row.Name);
}
