using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// VMASKMOVPS and its kin: only elements whose mask is negative are accessed, so only they can fault. When all of the vector lies in a cached page,
/// nothing can. Alignment is never checked. MASKMOVDQU is another kind: all of its bytes have to be writable.
/// </summary>
static unsafe class MaskedMove
{
    /// <summary>The type arguments are the vector and the integer of an element's size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Load<TVector, T, TAddress>(CpuState* s, Op* op, long fuel) where TVector : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        if (!TryLoad<TVector, T, TAddress>(s, op)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Store<TVector, T, TAddress>(CpuState* s, Op* op, long fuel) where TVector : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        if (!TryStore<TVector, T, TAddress>(s, op)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>MASKMOVDQU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreBytes<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryStoreBytes<TAddress>(s, op)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryStoreBytes<TAddress>(CpuState* s, Op* op) where TAddress : struct, IAddress
    {
        uint size = (uint)sizeof(Vector128<byte>);
        byte* p = ImageAccess.TryAddressInParts<TAddress>(s, op, size, size / 2, AccessKind.Write, out ulong address)
            ? SlowPath.Write(s, op, address, size, locked: false, reads: true, checksAlignment: false)
            : null;
        if (p == null)
        {
            return false;
        }
        Vector128<byte> old = Unsafe.ReadUnaligned<Vector128<byte>>(p);
        Unsafe.WriteUnaligned(p, Simd.Blend(old, Access.Get<Vector128<byte>>(s, op->R2), Access.Get<Vector128<byte>>(s, op->R3)));
        return p != &s->FirstScratch || SlowPath.Commit(s, op, address, size, locked: false);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryLoad<TVector, T, TAddress>(CpuState* s, Op* op) where TVector : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        T* mask = (T*)((byte*)s + op->R2);
        TVector result = default;
        byte* all = MayBeWhole<TAddress>() ? Tlb.Read<TVector>(s, TAddress.Linear(s, op, (uint)sizeof(TVector), 0)) : null;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            if (!IsChosen(mask[i]))
            {
                continue;
            }
            byte* p = all != null ? all + i * sizeof(T) : SlowPath.Read(s, op, Linear<T, TAddress>(s, op, i, write: false), (uint)sizeof(T), checksAlignment: false);
            if (p == null)
            {
                return false;
            }
            ((T*)&result)[i] = Unsafe.ReadUnaligned<T>(p);
        }
        Vectors.SetAndClear(s, op->R1, result);
        return true;
    }

    /// <summary>All elements are found writable before the first is written.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryStore<TVector, T, TAddress>(CpuState* s, Op* op) where TVector : unmanaged where T : unmanaged where TAddress : struct, IAddress
    {
        T* mask = (T*)((byte*)s + op->R2), source = (T*)((byte*)s + op->R3);
        byte* all = MayBeWhole<TAddress>() ? Tlb.Write<TVector>(s, TAddress.LinearForWrite(s, op, (uint)sizeof(TVector), 0)) : null;
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            if (all == null && IsChosen(mask[i]) && Locate<T, TAddress>(s, op, i, out _) == null)
            {
                return false;
            }
        }
        for (int i = 0; i < sizeof(TVector) / sizeof(T); i++)
        {
            if (!IsChosen(mask[i]))
            {
                continue;
            }
            ulong address = 0;
            byte* p = all != null ? all + i * sizeof(T) : Locate<T, TAddress>(s, op, i, out address);
            if (p == null)
            {
                return false;
            }
            Unsafe.WriteUnaligned(p, source[i]);
            if (p == &s->FirstScratch && !SlowPath.Commit(s, op, address, (uint)sizeof(T), locked: false))
            {
                return false;
            }
        }
        return true;
    }

    static byte* Locate<T, TAddress>(CpuState* s, Op* op, int element, out ulong address) where T : unmanaged where TAddress : struct, IAddress
    {
        address = Linear<T, TAddress>(s, op, element, write: true);
        return SlowPath.Write(s, op, address, (uint)sizeof(T), locked: false, checksAlignment: false);
    }

    /// <summary>The address of an element. Its distance is not part of the offset that is truncated to the address size, but limits hold for it.</summary>
    static ulong Linear<T, TAddress>(CpuState* s, Op* op, int element, bool write) where T : unmanaged where TAddress : struct, IAddress
    {
        ulong distance = (ulong)(element * sizeof(T)), offset = TAddress.Effective(s, op, 0) + distance;
        if (!MayBeWhole<TAddress>())
        {
            return Segmentation.Linear(s, op, offset, (uint)sizeof(T), write);
        }
        // Beyond 4 GiB a flat segment ends.
        return (typeof(TAddress) == typeof(Base32) || typeof(TAddress) == typeof(Flat32)) && offset > uint.MaxValue
            ? (uint)(*(ulong*)((byte*)s + op->Segment) - 1) : TAddress.Linear(s, op, (uint)sizeof(T), 0) + distance;
    }

    /// <summary>No segment limit lies between the elements.</summary>
    static bool MayBeWhole<TAddress>() where TAddress : struct, IAddress =>
        typeof(TAddress) != typeof(Segmented16) && typeof(TAddress) != typeof(Segmented32);

    /// <summary>The sign of an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsChosen<T>(T mask) where T : unmanaged => (long)Bits.Sign(mask) < 0;
}
