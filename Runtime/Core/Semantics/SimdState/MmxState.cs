using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The MMX instructions that treat the x87 state in their own way.</summary>
static unsafe class MmxState
{
    /// <summary>EMMS: all x87 registers become empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Empty(CpuState* s, Op* op, long fuel)
    {
        if (FpuStack.HasError(s)) { return Leave.FloatingPoint(s, op, fuel); }
        Mmx.Enter(s);
        s->FpuTag = 0;
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>MASKMOVQ: on AMD processors MMX state is entered before memory is written, so also when that faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long MaskMove<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (FpuStack.HasError(s)) { return Leave.FloatingPoint(s, op, fuel); }
        Mmx.Enter(s);
        ulong address = TAddress.LinearForWrite(s, op, sizeof(ulong), 0);
        byte* p = Access.ReadWrite<ulong, Careful>(s, op, address);
        if (p == null) { return Leave.Fault(s, op, fuel); }
        ulong old = Unsafe.ReadUnaligned<ulong>(p);
        Unsafe.WriteUnaligned(p, Simd.Blend(old, Access.Get<ulong>(s, op->R2), Access.Get<ulong>(s, op->R3)));
        if (!Access.Commit<ulong, Careful>(s, op, address, p)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }
}
