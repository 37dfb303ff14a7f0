using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Predicts the targets of near returns, as the hardware's return stack does.</summary>
static unsafe class ReturnStack
{
    /// <summary>A call: <paramref name="stub"/> is its second stub, which links the block behind the call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(CpuState* s, ulong rip, Op* stub)
    {
        uint top = (s->ReturnStackTop + 1) & (CpuState.ReturnStackEntries - 1);
        s->ReturnStackTop = top;
        ReturnStackEntry* entry = (ReturnStackEntry*)((byte*)s + CpuState.ReturnStackOffset + ((ulong)top << 4));
        entry->Rip = rip;
        entry->Stub = stub;
    }

    /// <summary>A return: the block at <paramref name="target"/> (or its stub), or null when the prediction is wrong.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Op* Pop(CpuState* s, ulong target)
    {
        uint top = s->ReturnStackTop;
        s->ReturnStackTop = (top - 1) & (CpuState.ReturnStackEntries - 1);
        ReturnStackEntry* entry = (ReturnStackEntry*)((byte*)s + CpuState.ReturnStackOffset + ((ulong)top << 4));
        return entry->Rip == target ? entry->Stub->Taken : null;
    }

    /// <summary>Forgets all: ops are about to go, or the mode has changed.</summary>
    public static void Clear(CpuState* s)
    {
        // An odd address outside every mode's range: no return can have it as its target.
        new Span<ReturnStackEntry>(&s->FirstReturnStackEntry, CpuState.ReturnStackEntries).Fill(new ReturnStackEntry { Rip = Memory.Segmentation.Nowhere | 1 });
    }
}
