using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions without an effect on the guest's own state.</summary>
static class Hint
{
    public static void Nop()
    {
    }

    /// <summary>Waits are that long, in PAUSE instructions, before they give way; a power of two.</summary>
    const uint Patience = 64;

    /// <summary>PAUSE: a guest that waits for another of its processors lets the host run that one, now and then.</summary>
    public static unsafe void Pause(CpuState* s)
    {
        if ((++s->Pauses & (Patience - 1)) == 0 && s->CountsTime == 0)
        {
            Yield(s);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static unsafe void Yield(CpuState* s)
    {
        if (Vcpu.Of(s).Domain.IsShared)
        {
            Thread.Yield();
        }
    }

    /// <summary>LFENCE, MFENCE, SFENCE: orders this vCPU's accesses for others that share its memory.</summary>
    public static void Fence() => Interlocked.MemoryBarrier();

    /// <summary>Cache-line instructions: the line is accessed, nothing else.</summary>
    public static void Touch(byte line) => _ = line;
}
