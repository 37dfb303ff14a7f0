using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>
/// Memory operands as handlers see them. A null pointer means that the instruction cannot go on here: in a fast flavour it is restarted by
/// <see cref="Miss"/>, otherwise the fault is recorded and the handler leaves by <see cref="Leave.Fault"/>.
/// </summary>
static unsafe class Access
{
    /// <summary>Where to read <typeparamref name="T"/> at a linear address: guest memory, or a copy in the scratch buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read<T, TFlavour>(CpuState* s, Op* op, ulong address) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast ? Tlb.Read<T>(s, address) : SlowPath.Read(s, op, address, (uint)Unsafe.SizeOf<T>());

    /// <summary>
    /// Where to write <typeparamref name="T"/>: guest memory, or the scratch buffer; then <see cref="Commit"/> has to follow the store.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write<T, TFlavour>(CpuState* s, Op* op, ulong address) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast ? Tlb.Write<T>(s, address) : SlowPath.Write(s, op, address, (uint)Unsafe.SizeOf<T>(), TFlavour.IsLocked);

    /// <summary>As <see cref="Write"/>, for an operand that is read first: the scratch buffer holds the old bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ReadWrite<T, TFlavour>(CpuState* s, Op* op, ulong address) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast ? Tlb.Write<T>(s, address) : SlowPath.Write(s, op, address, (uint)Unsafe.SizeOf<T>(), TFlavour.IsLocked, reads: true);

    /// <summary>As <see cref="Read"/>, through the stack pointer: what is out of range is a stack fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ReadStack<T, TFlavour>(CpuState* s, Op* op, ulong address) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast ? Tlb.Read<T>(s, address) : SlowPath.Read(s, op, address, (uint)Unsafe.SizeOf<T>(), CpuState.SsOffset);

    /// <summary>As <see cref="Write"/>, through the stack pointer: what is out of range is a stack fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteStack<T, TFlavour>(CpuState* s, Op* op, ulong address) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast ? Tlb.Write<T>(s, address) : SlowPath.Write(s, op, address, (uint)Unsafe.SizeOf<T>(), locked: false, via: CpuState.SsOffset);

    /// <summary>Ends a write that went to the scratch buffer. False: the instruction did not complete, leave by <see cref="Leave.Fault"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Commit<T, TFlavour>(CpuState* s, Op* op, ulong address, byte* pointer) where T : unmanaged where TFlavour : struct, IFlavour =>
        TFlavour.IsFast || pointer != &s->FirstScratch || SlowPath.Commit(s, op, address, (uint)Unsafe.SizeOf<T>(), TFlavour.IsLocked);

    /// <summary>Register at a state offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(CpuState* s, int offset) where T : unmanaged => Unsafe.ReadUnaligned<T>((byte*)s + offset);

    /// <summary>Writes a register; a 32-bit result clears the upper half of a general register (SDM Vol. 1 3.4.1.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, int offset, T value) where T : unmanaged
    {
        if (typeof(T) == typeof(uint))
        {
            *(ulong*)((byte*)s + offset) = (uint)(object)value;
        }
        else
        {
            Unsafe.WriteUnaligned((byte*)s + offset, value);
        }
    }
}
