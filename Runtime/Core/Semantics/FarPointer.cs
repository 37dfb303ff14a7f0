using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>A far pointer in memory: an offset of the operand size, behind it a selector.</summary>
static unsafe class FarPointer
{
    /// <summary>Reads it. False: a fault is recorded.</summary>
    public static bool TryRead<T, TAddress>(CpuState* s, Op* op, out ulong offset, out ushort selector)
        where T : unmanaged
        where TAddress : struct, IAddress
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, size, 0), size);
        offset = p == null ? 0 : Bits.Zero(Unsafe.ReadUnaligned<T>(p));
        byte* q = p == null ? null : SlowPath.Read(s, op, TAddress.Linear(s, op, sizeof(ushort), size), sizeof(ushort));
        selector = q == null ? (ushort)0 : Unsafe.ReadUnaligned<ushort>(q);
        return q != null;
    }
}
