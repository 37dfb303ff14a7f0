using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.Privileged.Transfers;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Jumps, calls and returns to another segment.</summary>
static unsafe class Far
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long JumpDirect(CpuState* s, Op* op, long fuel) =>
        Finish(s, op, fuel, FarJump.TryJump(s, (ushort)(op->Imm >> 32), (uint)op->Imm, Next(s, op)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Jump<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        Finish(s, op, fuel, FarPointer.TryRead<T, TAddress>(s, op, out ulong offset, out ushort selector) && FarJump.TryJump(s, selector, offset, Next(s, op)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long CallDirect<T>(CpuState* s, Op* op, long fuel) where T : unmanaged =>
        Finish(s, op, fuel, FarCall.TryCall(s, (ushort)(op->Imm >> 32), (uint)op->Imm, Unsafe.SizeOf<T>(), Next(s, op)));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Call<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        Finish(s, op, fuel, FarPointer.TryRead<T, TAddress>(s, op, out ulong offset, out ushort selector)
            && FarCall.TryCall(s, selector, offset, Unsafe.SizeOf<T>(), Next(s, op)));

    /// <summary>RETF, and RETF imm16, which releases that many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Return<T>(CpuState* s, Op* op, long fuel) where T : unmanaged =>
        Finish(s, op, fuel, FarReturn.TryReturn(s, Unsafe.SizeOf<T>(), op->Imm));

    /// <summary>IRET.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long InterruptReturn<T>(CpuState* s, Op* op, long fuel) where T : unmanaged =>
        Finish(s, op, fuel, Privileged.Transfers.InterruptReturn.TryReturn(s, Unsafe.SizeOf<T>(), Next(s, op)));

    static ulong Next(CpuState* s, Op* op) => InstructionPointer.Truncate(s, op->NextRip);

    /// <summary>The transfer has set RIP, or nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static long Finish(CpuState* s, Op* op, long fuel, bool done) => done ? Leave.Indirect(s, s->Rip, fuel) : Leave.Fault(s, op, fuel);
}
