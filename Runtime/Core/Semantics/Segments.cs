using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Segment registers as operands.</summary>
static unsafe class Segments
{
    /// <summary>MOV to a segment register.</summary>
    public static void Load(CpuState* s, int index, ushort selector) => DataSegment.TryLoad(s, index, selector);

    /// <summary>POP of a segment register: the low word counts.</summary>
    public static void Load<T>(CpuState* s, int index, T value) where T : unmanaged => DataSegment.TryLoad(s, index, (ushort)Bits.Zero(value));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadEs<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        LoadPointer<T, TAddress>(s, op, fuel, Segmentation.Es);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadSs<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        LoadPointer<T, TAddress>(s, op, fuel, Segmentation.Ss);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadDs<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        LoadPointer<T, TAddress>(s, op, fuel, Segmentation.Ds);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadFs<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        LoadPointer<T, TAddress>(s, op, fuel, Segmentation.Fs);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadGs<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress =>
        LoadPointer<T, TAddress>(s, op, fuel, Segmentation.Gs);

    /// <summary>ARPL: raises the RPL of the selector to that of the source; ZF tells whether it did.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort AdjustPrivilege(ref Flags f, ushort selector, ushort source)
    {
        bool raises = (selector & 3) < (source & 3);
        f.ZF = raises;
        return raises ? (ushort)((selector & ~3) | (source & 3)) : selector;
    }

    /// <summary>ARPL on memory, which is written only when the RPL changes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long AdjustPrivilegeInMemory<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryAdjust<TAddress>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>RDFSBASE, RDGSBASE.</summary>
    public static T ReadBase<T>(CpuState* s, int index) where T : unmanaged
    {
        CheckBaseAccess(s);
        return Bits.Truncate<T>(Segmentation.Register(s, index)->Base);
    }

    /// <summary>WRFSBASE, WRGSBASE.</summary>
    public static void WriteBase<T>(CpuState* s, int index, T value) where T : unmanaged
    {
        if (!CheckBaseAccess(s))
        {
            return;
        }
        if (!SlowPath.IsCanonical(s, Bits.Zero(value)))
        {
            Raise.GeneralProtection(s, 0);
            return;
        }
        Segmentation.Register(s, index)->Base = Bits.Zero(value);
    }

    /// <summary>The instructions exist when CR4 says so.</summary>
    static bool CheckBaseAccess(CpuState* s)
    {
        bool exists = (s->Cr4 & Cr4.FsGsBase) != 0;
        if (!exists)
        {
            Raise.InvalidOpcode(s);
        }
        return exists;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryAdjust<TAddress>(CpuState* s, Op* op) where TAddress : struct, IAddress
    {
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, sizeof(ushort), 0), sizeof(ushort));
        if (p == null)
        {
            return false;
        }
        Flags f = s->Flags;
        ushort adjusted = AdjustPrivilege(ref f, Unsafe.ReadUnaligned<ushort>(p), Access.Get<ushort>(s, op->R2));
        if (f.ZF)
        {
            ulong address = TAddress.LinearForWrite(s, op, sizeof(ushort), 0);
            p = Access.Write<ushort, Careful>(s, op, address);
            if (p == null)
            {
                return false;
            }
            Unsafe.WriteUnaligned(p, adjusted);
            if (!Access.Commit<ushort, Careful>(s, op, address, p))
            {
                return false;
            }
        }
        s->Flags = f;
        return true;
    }

    /// <summary>LES and its like: offset into the register, selector into the segment register.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static long LoadPointer<T, TAddress>(CpuState* s, Op* op, long fuel, int index) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!FarPointer.TryReadNarrow<T, TAddress>(s, op, out ulong offset, out ushort selector) || !DataSegment.TryLoad(s, index, selector))
        {
            return Leave.Fault(s, op, fuel);
        }
        Access.Set(s, op->R1, Bits.Truncate<T>(offset));
        return Leave.Next(s, op, fuel);
    }
}
