namespace FastVcpu.Gdb;

/// <summary>Why a vCPU has stopped.</summary>
/// <param name="Signal">gdb's number of a signal.</param>
/// <param name="Details">What a stop reply adds, such as "swbreak:;".</param>
readonly record struct StopReason(int Signal, string Details = "")
{
    public const int Interrupt = 2, IllegalInstruction = 4, Trap = 5, Abort = 6, FloatingPoint = 8, Bus = 10, Segmentation = 11;

    /// <summary>The signal that an operating system makes of an exception.</summary>
    public static StopReason OfException(int vector) => new(vector switch
    {
        0 or 4 or 16 or 19 => FloatingPoint,
        1 or 3 => Trap,
        6 => IllegalInstruction,
        12 or 17 => Bus,
        _ => Segmentation,
    });
}
