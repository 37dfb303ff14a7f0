using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>A far pointer in memory: an offset of the operand size, behind it a selector. REX.W does not widen it (AMD; on Intel it does).</summary>
static unsafe class FarPointer
{
    /// <summary>Reads it. False: a fault is recorded.</summary>
    public static bool TryRead<T, TAddress>(CpuState* s, Op* op, out ulong offset, out ushort selector)
        where T : unmanaged
        where TAddress : struct, IAddress
    {
        const uint Word = sizeof(ushort);
        uint size = Unsafe.SizeOf<T>() == Word ? Word : sizeof(uint);
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, size, 0), size);
        offset = p == null ? 0 : size == Word ? Unsafe.ReadUnaligned<ushort>(p) : Unsafe.ReadUnaligned<uint>(p);
        byte* q = p == null ? null : SlowPath.Read(s, op, TAddress.Linear(s, op, Word, size), Word);
        selector = q == null ? (ushort)0 : Unsafe.ReadUnaligned<ushort>(q);
        return q != null;
    }
}
