using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The x87 state that MMX instructions share.</summary>
static unsafe class MmxState
{
    /// <summary>EMMS: all x87 registers become empty.</summary>
    public static void Empty(CpuState* s)
    {
        Mmx.Enter(s);
        s->FpuTag = 0;
    }
}
