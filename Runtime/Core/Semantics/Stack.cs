using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions that use several stack slots.</summary>
static unsafe class Stack
{
    const int Registers = 8;
    const int RspNumber = 4;
    const int Rbp = CpuState.GprOffset + 5 * 8;

    /// <summary>PUSH SP of the 8086 and 80186.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Decremented<T>(T pointer) where T : unmanaged => Bits.Truncate<T>(Bits.Zero(pointer) - (ulong)Unsafe.SizeOf<T>());

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushAll<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        if (!TryPushAll<T, TStack>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PopAll<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        if (!TryPopAll<T, TStack>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Enter<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        if (!TryEnter<T, TStack>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>LEAVE: pops the frame pointer from where it points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LeaveFrame<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        byte* p = Access.ReadStack<T, Fast>(s, op, TStack.Linear(s, op, s->Rbp, (uint)Unsafe.SizeOf<T>()));
        if (p == null || (s->Mode & CpuMode.AlignmentCheck) != 0)
        {
            return LeaveFrameCarefully<T, TStack>(s, op, fuel);
        }
        TStack.SetPointer(s, s->Rbp + (ulong)Unsafe.SizeOf<T>());
        Access.Set(s, Rbp, Unsafe.ReadUnaligned<T>(p));
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static long LeaveFrameCarefully<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack
    {
        byte* p = Access.ReadStack<T, Careful>(s, op, TStack.Linear(s, op, s->Rbp, (uint)Unsafe.SizeOf<T>()));
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        TStack.SetPointer(s, s->Rbp + (ulong)Unsafe.SizeOf<T>());
        Access.Set(s, Rbp, Unsafe.ReadUnaligned<T>(p));
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Writes one slot.</summary>
    public static bool TryPush<T, TStack>(CpuState* s, Op* op, ulong pointer, T value) where T : unmanaged where TStack : struct, IStack
    {
        ulong address = TStack.Linear(s, op, pointer, (uint)Unsafe.SizeOf<T>());
        byte* p = Access.WriteStack<T, Careful>(s, op, address);
        if (p == null)
        {
            return false;
        }
        Unsafe.WriteUnaligned(p, value);
        return Access.Commit<T, Careful>(s, op, address, p);
    }

    /// <summary>Reads one slot.</summary>
    public static bool TryPop<T, TStack>(CpuState* s, Op* op, ulong pointer, out T value) where T : unmanaged where TStack : struct, IStack
    {
        byte* p = Access.ReadStack<T, Careful>(s, op, TStack.Linear(s, op, pointer, (uint)Unsafe.SizeOf<T>()));
        value = p == null ? default : Unsafe.ReadUnaligned<T>(p);
        return p != null;
    }

    /// <summary>Whether a slot could be written.</summary>
    static bool CanPush<T, TStack>(CpuState* s, Op* op, ulong pointer) where T : unmanaged where TStack : struct, IStack =>
        Access.WriteStack<T, Careful>(s, op, TStack.Linear(s, op, pointer, (uint)Unsafe.SizeOf<T>())) != null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryPushAll<T, TStack>(CpuState* s, Op* op) where T : unmanaged where TStack : struct, IStack
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        ulong pointer = TStack.Pointer(s);
        for (int i = 0; i < Registers; i++)
        {
            if (!TryPush<T, TStack>(s, op, pointer - size * (uint)(i + 1), Access.Get<T>(s, CpuState.GprOffset + 8 * i)))
            {
                return false;
            }
        }
        TStack.SetPointer(s, pointer - size * Registers);
        return true;
    }

    /// <summary>The registers are written one by one: those before a fault have their new values, as on the processor.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryPopAll<T, TStack>(CpuState* s, Op* op) where T : unmanaged where TStack : struct, IStack
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        ulong pointer = TStack.Pointer(s);
        for (int number = Registers - 1; number >= 0; number--, pointer += size)
        {
            if (!TryPop<T, TStack>(s, op, pointer, out T value))
            {
                return false;
            }
            if (number != RspNumber)
            {
                Access.Set(s, CpuState.GprOffset + 8 * number, value);
            }
        }
        TStack.SetPointer(s, pointer);
        return true;
    }

    /// <summary>What the register holds when it is set to a pointer: of 16 bits, the others stay.</summary>
    static ulong WholePointer<TStack>(CpuState* s, ulong pointer) where TStack : struct, IStack
    {
        ulong before = s->Rsp;
        TStack.SetPointer(s, pointer);
        ulong whole = s->Rsp;
        s->Rsp = before;
        return whole;
    }

    /// <summary>ENTER: pushes the frame pointer and, for nested procedures, the frame pointers of the levels outside (SDM Vol. 2 ENTER).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryEnter<T, TStack>(CpuState* s, Op* op) where T : unmanaged where TStack : struct, IStack
    {
        if (s->WatchedKinds != 0 && s->IsSingle == 0)
        {
            // Started again in the middle, it would read what it has written.
            s->Fault = FaultCode.Restart;
            return false;
        }
        uint size = (uint)Unsafe.SizeOf<T>();
        uint allocated = (ushort)op->Imm, level = (uint)(op->Imm >> 32) & 31;
        ulong pointer = TStack.Pointer(s) - size, frame = WholePointer<TStack>(s, pointer), display = s->Rbp;
        if (!TryPush<T, TStack>(s, op, pointer, Access.Get<T>(s, Rbp)))
        {
            return false;
        }
        for (uint i = 1; i < level; i++)
        {
            display -= size;
            pointer -= size;
            if (!TryPop<T, TStack>(s, op, display, out T outer) || !TryPush<T, TStack>(s, op, pointer, outer))
            {
                return false;
            }
        }
        if (level != 0)
        {
            pointer -= size;
            if (!TryPush<T, TStack>(s, op, pointer, Bits.Truncate<T>(frame)))
            {
                return false;
            }
        }
        pointer -= allocated;
        // The processor makes sure that the new top of the stack can be written.
        if (!CanPush<T, TStack>(s, op, pointer))
        {
            return false;
        }
        Access.Set(s, Rbp, Bits.Truncate<T>(frame));
        TStack.SetPointer(s, pointer);
        return true;
    }
}
