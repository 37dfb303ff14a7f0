using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The control and status register of vector floating point.</summary>
static unsafe class Mxcsr
{
    /// <summary>Writable bits; others are reserved and fault (MXCSR_MASK in an FXSAVE image). Bit 17 is AMD's misaligned mode.</summary>
    public const uint Writable = 0x2FFFF;

    public const uint Initial = 0x1F80;

    /// <summary>CR4.OSXMMEXCPT: unmasked exceptions raise #XM rather than #UD.</summary>
    const ulong OsXmmExceptions = 1 << 10;

    const uint BeforeComputation = FloatContext.Invalid | FloatContext.Denormal | FloatContext.DivideByZero;

    /// <summary>Records the exceptions of an instruction; raises the fault when one is not masked.</summary>
    public static void Commit(CpuState* s, in FloatContext c)
    {
        uint flags = c.Flags;
        if (c.Unmasked != 0)
        {
            // An exception that is found before the computation keeps it from taking place (SDM Vol. 1 11.5.3).
            if ((c.Unmasked & BeforeComputation) != 0) flags &= BeforeComputation;
            if ((s->Cr4 & OsXmmExceptions) != 0) Raise.SimdFloatingPoint(s);
            else Raise.InvalidOpcode(s);
        }
        s->Mxcsr |= flags;
    }

    /// <summary>LDMXCSR.</summary>
    public static void Load(CpuState* s, uint value)
    {
        if ((value & ~Writable) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return;
        }
        s->Mxcsr = value;
    }

    /// <summary>STMXCSR.</summary>
    public static uint Store(CpuState* s) => s->Mxcsr;
}
