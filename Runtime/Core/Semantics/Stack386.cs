using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>PUSH of a segment register on the 80386 and its predecessors writes the selector only, whatever the size of the slot.</summary>
static unsafe class Stack386
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushEs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Es.Selector);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushCs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Cs.Selector);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushSs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Ss.Selector);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushDs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Ds.Selector);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushFs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Fs.Selector);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long PushGs<T, TStack>(CpuState* s, Op* op, long fuel) where T : unmanaged where TStack : struct, IStack => Push<T, TStack>(s, op, fuel, s->Gs.Selector);

    /// <summary>The block ends here, so that no handler has to be called from an inlined method.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static long Push<T, TStack>(CpuState* s, Op* op, long fuel, ushort selector) where T : unmanaged where TStack : struct, IStack
    {
        ulong pointer = TStack.Pointer(s) - (ulong)Unsafe.SizeOf<T>();
        ulong address = TStack.Linear(s, op, pointer, sizeof(ushort));
        byte* p = Access.WriteStack<ushort, Careful>(s, op, address);
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        Unsafe.WriteUnaligned(p, selector);
        if (!Access.Commit<ushort, Careful>(s, op, address, p))
        {
            return Leave.Fault(s, op, fuel);
        }
        TStack.SetPointer(s, pointer);
        return Leave.Next(s, op, fuel);
    }
}
