using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The XSAVE family (SDM Vol. 1 13.7–13.12). T is 64 bits wide with REX.W: then x87 pointers have 64 bits instead of 32 with a selector.</summary>
static unsafe class ExtendedState
{
    enum Format
    {
        Standard,
        /// <summary>The standard format; what is in its initial state is not written.</summary>
        Optimized,
        Compact,
    }

    /// <summary>XSAVE.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Save<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 3) || !TrySave<TAddress>(s, op, Format.Standard, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>XSAVEOPT.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SaveOptimized<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 3) || !TrySave<TAddress>(s, op, Format.Optimized, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>XSAVEC.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SaveCompact<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 3) || !TrySave<TAddress>(s, op, Format.Compact, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>XSAVES: there are no supervisor components.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long SaveSupervisor<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 0) || !TrySave<TAddress>(s, op, Format.Compact, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>XRSTOR.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Restore<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 3) || !TryRestore<TAddress>(s, op, 0, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>XRSTORS: takes the compact format alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long RestoreSupervisor<T, TAddress>(CpuState* s, Op* op, long fuel) where T : unmanaged where TAddress : struct, IAddress
    {
        if (!CanUse(s, 0) || !TryRestore<TAddress>(s, op, ExtendedImage.Compact, sizeof(T) == 8)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    static bool CanUse(CpuState* s, int privilege)
    {
        if ((s->Cr4 & Cr4.OsXsave) == 0)
        {
            Raise.InvalidOpcode(s);
        }
        else if (s->Cpl > privilege)
        {
            Raise.GeneralProtection(s, 0);
        }
        else if ((s->Cr0 & Cr0.TaskSwitched) != 0)
        {
            Raise.DeviceNotAvailable(s);
        }
        return s->Fault == FaultCode.None;
    }

    /// <summary>The components that the instruction names: EDX:EAX, as far as they are enabled.</summary>
    static ulong Requested(CpuState* s) => (s->Rdx << 32 | (uint)s->Rax) & s->Xcr0;

    /// <summary>Bytes of the area that the instruction uses: room for sixteen registers in every mode.</summary>
    static uint AreaSize(CpuState* s) => ExtendedImage.SizeOf(Requested(s));

    /// <summary>
    /// The address of an area. False: a fault is recorded. What is looked at, in this order (measured): the alignment, the limit for the beginning and its page, the limit for
    /// <paramref name="size"/> bytes.
    /// </summary>
    static bool TryAddress<TAddress>(CpuState* s, Op* op, uint size, AccessKind kind, out ulong address) where TAddress : struct, IAddress
    {
        ImageAccess.TryAddress<TAddress>(s, op, 1, kind, out address);
        if ((address & (ExtendedImage.Alignment - 1)) != 0)
        {
            s->Fault = FaultCode.None;
            Raise.GeneralProtection(s, 0);
        }
        return s->Fault == FaultCode.None && ImageAccess.TryAddressInParts<TAddress>(s, op, size, 1, kind, out address);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TrySave<TAddress>(CpuState* s, Op* op, Format format, bool wide) where TAddress : struct, IAddress
    {
        ulong requested = Requested(s), inUse = requested & ExtendedImage.InUse(s);
        int vectors = LegacyImage.VectorCount(s);
        bool savesMxcsr = (requested & ExtendedImage.HasMxcsr) != 0;
        if (format == Format.Compact)
        {
            // MXCSR is a part of the SSE component here, and by itself makes that one be in use.
            inUse |= s->Mxcsr != Mxcsr.Initial ? requested & Xcr0.Sse : 0;
            savesMxcsr = (inUse & Xcr0.Sse) != 0;
        }
        ulong saved = format == Format.Standard ? requested : inUse;
        ExtendedImage image;
        // What shares 16 bytes with something that is written, and the components that the image may hold besides.
        if (!TryAddress<TAddress>(s, op, AreaSize(s), AccessKind.Write, out ulong address)
            || !ImageAccess.TryProbe(s, address + AreaSize(s) - 1, AccessKind.Write)
            || !ImageAccess.TryRead(s, op, address, (byte*)&image, LegacyImage.RegistersOffset)
            || !ImageAccess.TryRead(s, op, address + ExtendedImage.HeaderOffset, (byte*)&image.Present, 16))
        {
            return false;
        }
        image.Save(s, saved, vectors, wide);
        if (savesMxcsr)
        {
            image.Legacy.SaveMxcsr(s);
        }
        image.Present = format == Format.Compact ? inUse : image.Present & ~requested | inUse;
        image.Layout = format == Format.Compact ? requested | ExtendedImage.Compact : image.Layout;
        byte* source = (byte*)&image;
        uint vectorBytes = (uint)vectors * 16;
        bool savesX87 = (saved & Xcr0.X87) != 0;
        return TryWrite(s, op, savesX87 || savesMxcsr, address, source, 0, LegacyImage.RegistersOffset)
            && TryWrite(s, op, savesX87, address, source, LegacyImage.RegistersOffset, LegacyImage.VectorsOffset - LegacyImage.RegistersOffset)
            && TryWrite(s, op, (saved & Xcr0.Sse) != 0, address, source, LegacyImage.VectorsOffset, vectorBytes)
            && TryWrite(s, op, (saved & Xcr0.Avx) != 0, address, source, ExtendedImage.UpperHalvesOffset, vectorBytes)
            && TryWrite(s, op, true, address, source, ExtendedImage.HeaderOffset, 16);
    }

    static bool TryWrite(CpuState* s, Op* op, bool isWanted, ulong address, byte* image, uint offset, uint size) =>
        !isWanted || ImageAccess.TryWrite(s, op, address + offset, image + offset, size);

    /// <param name="s">The state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="required">Bits that XCOMP_BV must have.</param>
    /// <param name="wide">x87 pointers of 64 bits.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryRestore<TAddress>(CpuState* s, Op* op, ulong required, bool wide) where TAddress : struct, IAddress
    {
        ulong requested = Requested(s);
        ExtendedImage image;
        if (!TryAddress<TAddress>(s, op, ExtendedImage.UpperHalvesOffset, AccessKind.Read, out ulong address)
            || !ImageAccess.TryRead(s, op, address + ExtendedImage.HeaderOffset, (byte*)&image + ExtendedImage.HeaderOffset, ExtendedImage.HeaderSize))
        {
            return false;
        }
        bool isCompact = (image.Layout & ExtendedImage.Compact) != 0;
        bool isValid = image.IsValid(s->Xcr0) && (image.Layout & required) == required && (!isCompact || HasCompact(s));
        ulong loaded = requested & image.Present;
        bool loadsMxcsr = isCompact ? (loaded & Xcr0.Sse) != 0 : (requested & ExtendedImage.HasMxcsr) != 0;
        // The rest of the area has to be there, be it loaded or not.
        bool isRead = isValid
            && ImageAccess.TryAddress<TAddress>(s, op, AreaSize(s), AccessKind.Read, out address)
            && ImageAccess.TryProbe(s, address + AreaSize(s) - 1, AccessKind.Read)
            && ((loaded & (Xcr0.X87 | Xcr0.Sse)) == 0 && !loadsMxcsr || ImageAccess.TryRead(s, op, address, (byte*)&image, LegacyImage.Size))
            && ((loaded & Xcr0.Avx) == 0
                || ImageAccess.TryRead(s, op, address + ExtendedImage.UpperHalvesOffset, &image.FirstUpperHalf, 16 * (uint)LegacyImage.VectorCount(s)));
        if (!isValid || (isRead && loadsMxcsr && (image.Legacy.Mxcsr & ~Mxcsr.Writable) != 0))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        if (!isRead)
        {
            return false;
        }
        image.Restore(s, requested, LegacyImage.VectorCount(s), wide);
        if (loadsMxcsr)
        {
            s->Mxcsr = image.Legacy.Mxcsr;
        }
        else if ((requested & Xcr0.Sse) != 0)
        {
            s->Mxcsr = Mxcsr.Initial;
        }
        return true;
    }

    static bool HasCompact(CpuState* s) => Vcpu.Of(s).Model.Has(CpuFeature.Xsavec) || Vcpu.Of(s).Model.Has(CpuFeature.Xsaves);
}
