namespace FastVcpu.Gdb;

/// <summary>gdb numbers signals in its own way (include/gdb/signals.def); these are the signals of x86 Linux in it.</summary>
static class LinuxSignals
{
    const int FirstRealTime = 33, LastRealTime = 63, GdbRealTime33 = 45, GdbRealTime32 = 77, GdbRealTime64 = 78;

    /// <summary>By Linux' number. SIGSTKFLT (16) is not known to gdb.</summary>
    static readonly int[] Numbers =
    [
        0, 1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15, Unknown, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27, 28, 23, 32, 12,
    ];

    const int Unknown = 143;

    /// <summary>gdb's number of a signal.</summary>
    public static int ToGdb(int signal) => signal switch
    {
        < 0 => Unknown,
        < 32 => Numbers[signal],
        32 => GdbRealTime32,
        <= LastRealTime => signal - FirstRealTime + GdbRealTime33,
        64 => GdbRealTime64,
        _ => Unknown,
    };

    /// <summary>The signal that gdb means; 0 when it is none of Linux'.</summary>
    public static int ToLinux(int number) => number switch
    {
        GdbRealTime32 => 32,
        GdbRealTime64 => 64,
        >= GdbRealTime33 and <= GdbRealTime33 + LastRealTime - FirstRealTime => number - GdbRealTime33 + FirstRealTime,
        Unknown => 0,
        _ => Math.Max(Array.IndexOf(Numbers, number), 0),
    };
}
