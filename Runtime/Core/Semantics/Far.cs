using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Far jumps, calls and returns: to another code segment, in protected mode of the same privilege level.</summary>
static unsafe class Far
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long JumpDirect<T>(CpuState* s, Op* op, long fuel) where T : unmanaged =>
        CodeSegment.TryEnter(s, (ushort)(op->Imm >> 32), (uint)op->Imm, isReturn: false) ? Leave.Indirect(s, s->Rip, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Jump<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        FarPointer.TryRead<T, TAddress>(s, op, out ulong offset, out ushort selector) && CodeSegment.TryEnter(s, selector, offset, isReturn: false)
            ? Leave.Indirect(s, s->Rip, fuel)
            : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long CallDirect<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack =>
        TryCall<T, TStack>(s, op, (ushort)(op->Imm >> 32), (uint)op->Imm) ? Leave.Indirect(s, s->Rip, fuel) : Leave.Fault(s, op, fuel);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Call<T, TAddress, TStack>(CpuState* s, Op* op, long fuel)
        where T : unmanaged
        where TAddress : struct, IAddress
        where TStack : struct, IStack =>
        FarPointer.TryRead<T, TAddress>(s, op, out ulong offset, out ushort selector) && TryCall<T, TStack>(s, op, selector, offset)
            ? Leave.Indirect(s, s->Rip, fuel)
            : Leave.Fault(s, op, fuel);

    /// <summary>RETF, and RETF imm16, which releases that many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Return<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        ulong size = (ulong)Unsafe.SizeOf<T>(), pointer = TStack.Pointer(s);
        if (!Stack.TryPop<T, TStack>(s, op, pointer, out T offset)
            || !Stack.TryPop<T, TStack>(s, op, pointer + size, out T selector)
            || !CodeSegment.TryEnter(s, (ushort)Bits.Zero(selector), Bits.Zero(offset), isReturn: true))
        {
            return Leave.Fault(s, op, fuel);
        }
        TStack.SetPointer(s, pointer + 2 * size + op->Imm);
        return Leave.Indirect(s, s->Rip, fuel);
    }

    /// <summary>IRET. 64-bit code gets its stack back too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long InterruptReturn<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        ulong size = (ulong)Unsafe.SizeOf<T>(), pointer = TStack.Pointer(s), newPointer = pointer + 3 * size;
        T stackPointer = default, stackSelector = default;
        bool is64 = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
        if (!Stack.TryPop<T, TStack>(s, op, pointer, out T offset)
            || !Stack.TryPop<T, TStack>(s, op, pointer + size, out T selector)
            || !Stack.TryPop<T, TStack>(s, op, pointer + 2 * size, out T image)
            || (is64 && (!Stack.TryPop<T, TStack>(s, op, newPointer, out stackPointer) || !Stack.TryPop<T, TStack>(s, op, newPointer + size, out stackSelector)))
            || !CodeSegment.CanEnter(s, (ushort)Bits.Zero(selector), Bits.Zero(offset), isReturn: true)
            || (is64 && !Segmentation.Load(s, Segmentation.Ss, (ushort)Bits.Zero(stackSelector))))
        {
            return Leave.Fault(s, op, fuel);
        }
        CodeSegment.TryEnter(s, (ushort)Bits.Zero(selector), Bits.Zero(offset), isReturn: true);
        FlagOps.Popf(s, ref s->Flags, image);
        if (is64)
        {
            s->Rsp = Bits.Zero(stackPointer);
        }
        else
        {
            TStack.SetPointer(s, newPointer);
        }
        Vcpu.Of(s).UpdateMode();
        return Leave.Indirect(s, s->Rip, fuel);
    }

    static bool TryCall<T, TStack>(CpuState* s, Op* op, ushort selector, ulong offset) where T : unmanaged where TStack : struct, IStack
    {
        ulong size = (ulong)Unsafe.SizeOf<T>(), pointer = TStack.Pointer(s);
        if (!CodeSegment.CanEnter(s, selector, offset, isReturn: false)
            || !Stack.TryPush<T, TStack>(s, op, pointer - size, Bits.Truncate<T>(s->Cs.Selector))
            || !Stack.TryPush<T, TStack>(s, op, pointer - 2 * size, Bits.Truncate<T>(op->NextRip)))
        {
            return false;
        }
        TStack.SetPointer(s, pointer - 2 * size);
        return CodeSegment.TryEnter(s, selector, offset, isReturn: false);
    }
}
