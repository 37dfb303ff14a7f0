using System.Diagnostics;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>The time-stamp counter: the host's clock, moved by what the guest and the embedder have written.</summary>
static unsafe class TimeStamp
{
    public static ulong Read(CpuState* s) => (ulong)Stopwatch.GetTimestamp() + s->TscOffset;

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
    }
}
