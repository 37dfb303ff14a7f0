using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>The time-stamp counter: the clock in nanoseconds, moved by what the guest and the embedder have written.</summary>
static unsafe class TimeStamp
{
    public static ulong Read(CpuState* s) => (ulong)Vcpu.Of(s).Clock.Now + s->TscOffset;

    /// <summary>
    /// An instruction is about to look at the time. False: it starts again by itself (which is recorded), because only between blocks it is known how many
    /// instructions have retired.
    /// </summary>
    public static bool TryMakeExact(CpuState* s)
    {
        bool isExact = s->CountsTime == 0 || s->IsSingle != 0;
        if (!isExact)
        {
            s->Fault = FaultCode.Restart;
        }
        return isExact;
    }

    /// <summary>A write of the counter shows in TSC_ADJUST as well.</summary>
    public static bool TryWrite(CpuState* s, ulong value)
    {
        Move(s, value - Read(s));
        return true;
    }

    public static bool TryAdjust(CpuState* s, ulong value)
    {
        Move(s, value - s->TscAdjust);
        return true;
    }

    static void Move(CpuState* s, ulong distance)
    {
        s->TscOffset += distance;
        s->TscAdjust += distance;
        Vcpu.Of(s).Apic?.Timer.TimeStampMoved();
    }
}
