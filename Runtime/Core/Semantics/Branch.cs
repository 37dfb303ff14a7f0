using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Near branches. A condition returns "taken"; a computed target is checked before anything is committed.</summary>
static unsafe class Branch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool If(ref Flags f, int cc) => f.Test(cc);

    public static void Always()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IfZero<T>(T count) where T : unmanaged => Bits.Zero(count) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, bool) Loop<T>(T count) where T : unmanaged
    {
        T left = Bits.Truncate<T>(Bits.Zero(count) - 1);
        return (left, Bits.Zero(left) != 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, bool) LoopEqual<T>(ref Flags f, T count) where T : unmanaged
    {
        (T left, bool more) = Loop(count);
        return (left, more & f.ZF);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, bool) LoopNotEqual<T>(ref Flags f, T count) where T : unmanaged
    {
        (T left, bool more) = Loop(count);
        return (left, more & !f.ZF);
    }

    /// <summary>JMP and RET: the target, unless it is not canonical or beyond the limit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Jump<T>(CpuState* s, T target) where T : unmanaged
    {
        ulong to = Bits.Zero(target);
        if (Unsafe.SizeOf<T>() == 8 ? !SlowPath.IsCanonical(s, to) : to > s->Cs.Limit && (s->Mode & CpuMode.CodeSizeMask) != CpuMode.Code64)
        {
            Raise.GeneralProtection(s, 0);
        }
        return to;
    }

    /// <summary>CALL: what is pushed, and the target.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, ulong) Call<T>(CpuState* s, T next, T target) where T : unmanaged => (next, Jump(s, target));

    /// <summary>RET imm16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ReturnAndRelease<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        ulong pointer = TStack.Pointer(s);
        byte* p = Access.ReadStack<T, Careful>(s, op, TStack.Linear(s, op, pointer, size));
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        ulong target = Jump(s, Unsafe.ReadUnaligned<T>(p));
        if (s->Fault != FaultCode.None)
        {
            return Leave.Fault(s, op, fuel);
        }
        TStack.SetPointer(s, pointer + size + op->Imm);
        Op* predicted = ReturnStack.Pop(s, target);
        if (predicted != null)
        {
            fuel -= predicted->Remaining;
            if (fuel < 0 || s->Pending != 0)
            {
                return Leave.Branch(s, predicted, fuel);
            }
            return predicted->Handler(s, predicted, fuel);
        }
        JumpCacheEntry* entry = JumpCache.Entry(s, target);
        if (entry->Rip == target && entry->Mode == s->Mode)
        {
            Op* next = entry->Op;
            fuel -= next->Remaining;
            if (fuel < 0 || s->Pending != 0)
            {
                return Leave.Branch(s, next, fuel);
            }
            return next->Handler(s, next, fuel);
        }
        return Leave.Indirect(s, target, fuel);
    }
}
