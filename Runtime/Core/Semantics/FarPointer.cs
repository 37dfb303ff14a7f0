using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>A far pointer in memory: an offset of the operand size, behind it a selector.</summary>
static unsafe class FarPointer
{
    /// <summary>Reads the operand of JMP and CALL. False: a fault is recorded.</summary>
    public static bool TryRead<T, TAddress>(CpuState* s, Op* op, out ulong offset, out ushort selector) where T : unmanaged where TAddress : struct, IAddress =>
        TryRead<TAddress>(s, op, (uint)Unsafe.SizeOf<T>(), out offset, out selector);

    /// <summary>Reads the operand of LSS and its like, which REX.W does not widen (AMD; on Intel it does). False: a fault is recorded.</summary>
    public static bool TryReadNarrow<T, TAddress>(CpuState* s, Op* op, out ulong offset, out ushort selector) where T : unmanaged where TAddress : struct, IAddress =>
        TryRead<TAddress>(s, op, Math.Min((uint)Unsafe.SizeOf<T>(), sizeof(uint)), out offset, out selector);

    static bool TryRead<TAddress>(CpuState* s, Op* op, uint size, out ulong offset, out ushort selector) where TAddress : struct, IAddress
    {
        const uint Word = sizeof(ushort);
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, size, 0), size);
        offset = p == null ? 0 : size switch { Word => Unsafe.ReadUnaligned<ushort>(p), sizeof(uint) => Unsafe.ReadUnaligned<uint>(p), _ => Unsafe.ReadUnaligned<ulong>(p) };
        byte* q = p == null ? null : SlowPath.Read(s, op, TAddress.Linear(s, op, Word, size), Word);
        selector = q == null ? (ushort)0 : Unsafe.ReadUnaligned<ushort>(q);
        return q != null;
    }
}
