using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>Interrupts and exceptions through the vector table, in every mode (SDM Vol. 3 chapter 6).</summary>
static unsafe class EventDelivery
{
    const uint ExternalEvent = 1;

    /// <summary>
    /// Exceptions in place of each other before a processor gives up. A handler at level 3 whose misaligned stack raises #AC for the #AC keeps a real one busy for
    /// ever, deaf to interrupts; here it shuts down.
    /// </summary>
    const int MostAttempts = 16;

    /// <summary>INT n, INT3, INTO, INT1. False: a fault is recorded and nothing has changed. A fault recorded with true is one of the task that has been entered.</summary>
    public static bool TrySoftware(CpuState* s, int vector, EventKind kind, ulong nextRip) =>
        TryDeliver(s, new EventFrame(vector, kind, null, ProtectionMode.Flags(s), nextRip));

    /// <summary>An interrupt or NMI between two instructions. False: triple fault.</summary>
    public static bool DeliverInterrupt(CpuState* s, int vector)
    {
        if (TryDeliver(s, new EventFrame(vector, EventKind.Interrupt, null, ProtectionMode.Flags(s), s->Rip)) && s->Fault == FaultCode.None)
        {
            return true;
        }
        // An interrupt is benign: the exception is delivered in its place.
        return TryTakeFault(s, out int second, out uint errorCode) && DeliverException(s, second, errorCode);
    }

    /// <summary>
    /// An exception; one that cannot be delivered gives way to the next or becomes a double fault (SDM Vol. 3 table 6-5). False: triple fault, with the state as it was at the third.
    /// </summary>
    public static bool DeliverException(CpuState* s, int vector, uint errorCode, bool isTrap = false)
    {
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            EventFrame frame = new(vector, EventKind.Exception, HasErrorCode(s, vector) ? errorCode : null, FlagsImageOf(s, vector, isTrap), s->Rip);
            if (TryDeliver(s, frame) && s->Fault == FaultCode.None)
            {
                return true;
            }
            if (!TryTakeFault(s, out int second, out uint secondCode))
            {
                return false;
            }
            (vector, errorCode, isTrap) = (Combine(vector, second), secondCode, false);
            if (vector == FaultCode.DoubleFault)
            {
                errorCode = 0;
            }
            if (vector < 0)
            {
                return false;
            }
        }
        return false;
    }

    /// <summary>Exceptions that push an error code; none does in real mode.</summary>
    static bool HasErrorCode(CpuState* s, int vector) => !ProtectionMode.IsReal(s) && vector is 8 or (>= 10 and <= 14) or 17 or 21;

    static bool TryDeliver(CpuState* s, in EventFrame frame)
    {
        bool done = ProtectionMode.IsReal(s) ? RealModeDelivery.TryDeliver(s, frame)
            : ProtectionMode.IsLong(s) ? LongModeDelivery.TryDeliver(s, frame)
            : ProtectedModeDelivery.TryDeliver(s, frame);
        if (frame.IsExternal && s->Fault - FaultCode.ExceptionBase is >= FaultCode.InvalidTss and <= FaultCode.GeneralProtection)
        {
            s->FaultErrorCode |= ExternalEvent;
        }
        s->EventDelivered = done ? 1 : s->EventDelivered;
        return done;
    }

    /// <summary>Takes the exception that a delivery has met; a page fault's address goes to CR2. False: it met something that is no exception.</summary>
    static bool TryTakeFault(CpuState* s, out int vector, out uint errorCode)
    {
        int fault = s->Fault;
        (vector, errorCode) = (fault - FaultCode.ExceptionBase, s->FaultErrorCode);
        s->Fault = FaultCode.None;
        s->FaultErrorCode = 0;
        if (vector == FaultCode.PageFault)
        {
            s->Cr2 = s->FaultAddress;
        }
        return fault is > FaultCode.None and <= FaultCode.LastException;
    }

    /// <summary>What a second exception makes of the first: the one to deliver next, or −1 for a triple fault.</summary>
    static int Combine(int first, int second)
    {
        bool isSecondGrave = IsContributory(second) || second == FaultCode.PageFault;
        return first switch
        {
            FaultCode.DoubleFault when isSecondGrave => -1,
            FaultCode.PageFault when isSecondGrave => FaultCode.DoubleFault,
            _ when IsContributory(first) && IsContributory(second) => FaultCode.DoubleFault,
            _ => second,
        };
    }

    static bool IsContributory(int vector) =>
        vector is FaultCode.DivideError or FaultCode.InvalidTss or FaultCode.SegmentNotPresent or FaultCode.StackFault or FaultCode.GeneralProtection;

    /// <summary>Faults push RF = 1, so that a code breakpoint at the instruction does not meet it again; traps and debug exceptions push it as it is.</summary>
    static ulong FlagsImageOf(CpuState* s, int vector, bool isTrap)
    {
        bool isFault = !isTrap && vector is not (FaultCode.Debug or FaultCode.Breakpoint or FaultCode.Overflow);
        return ProtectionMode.Flags(s) | (isFault ? SystemFlagBits.Resume & s->FlagsImplemented : 0);
    }
}
