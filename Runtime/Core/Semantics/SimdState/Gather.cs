using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// VPGATHERDD and its kin. Elements that are done have their masks cleared, so that an instruction that faults goes on where it stopped. When an
/// element faults behind others that have been loaded, those make a step of their own, after which traps and interrupts are taken, and the exception
/// comes when the instruction starts again (SDM Vol. 2, and the vectors). Alignment is never checked.
/// </summary>
static unsafe class Gather
{
    const int All = -1;

    /// <summary>The type arguments are the wider of the vectors (of indices, of elements), the signed index, and the integer of an element's size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Load<TVector, TIndex, T, TAddress>(CpuState* s, Op* op, long fuel)
        where TVector : unmanaged where TIndex : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        int loaded = LoadElements<TVector, TIndex, T, TAddress>(s, op);
        if (s->Fault != FaultCode.None) { return Leave.Fault(s, op, fuel); }
        if (loaded != All) { return Leave.Again(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <returns><see cref="All"/>, or how many elements were loaded before one that faults; the fault stands when there was none.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static int LoadElements<TVector, TIndex, T, TAddress>(CpuState* s, Op* op)
        where TVector : unmanaged where TIndex : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        T* result = (T*)((byte*)s + op->R1), mask = (T*)((byte*)s + op->R3);
        TIndex* indices = (TIndex*)((byte*)s + op->R2);
        int count = sizeof(TVector) / Math.Max(sizeof(T), sizeof(TIndex)), loaded = 0;
        for (int i = 0; i < count; i++)
        {
            if (!MaskedMove.IsChosen(mask[i]))
            {
                mask[i] = default;
                continue;
            }
            long index = sizeof(TIndex) == sizeof(int) ? ((int*)indices)[i] : ((long*)indices)[i];
            ulong address = TAddress.Linear(s, op, (uint)sizeof(T), (ulong)(index << op->Scale));
            byte* p = Tlb.Read<T>(s, address);
            if (p == null)
            {
                p = SlowPath.Read(s, op, address, (uint)sizeof(T), checksAlignment: false);
            }
            if (p == null)
            {
                if (loaded > 0 && s->Fault <= FaultCode.LastException)
                {
                    s->Fault = FaultCode.None;
                }
                return loaded;
            }
            result[i] = Unsafe.ReadUnaligned<T>(p);
            mask[i] = default;
            loaded++;
        }
        int bytes = count * sizeof(T);
        Unsafe.InitBlockUnaligned((byte*)result + bytes, 0, (uint)(CpuState.VectorSize - bytes));
        Unsafe.InitBlockUnaligned(mask, 0, CpuState.VectorSize);
        return All;
    }
}
