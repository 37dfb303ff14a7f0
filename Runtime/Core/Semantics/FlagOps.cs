using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions on the flags register and its bits.</summary>
static unsafe class FlagOps
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clc(ref Flags f) => f.CF = false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stc(ref Flags f) => f.CF = true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cmc(ref Flags f) => f.CF = !f.CF;

    /// <summary>The low byte of the flags register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Lahf(ref Flags f) => (byte)(f.ToEflags() | 2);

    /// <summary>All from the byte but OF, which stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Sahf(ref Flags f, byte ah) => f = Flags.FromEflags((f.OF ? Flags.OfBit : 0) | ah);

    /// <summary>SALC: all ones when CF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Salc(ref Flags f) => f.CF ? byte.MaxValue : byte.MinValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cld(CpuState* s) => s->SystemFlags &= ~SystemFlagBits.Direction;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Std(CpuState* s) => s->SystemFlags |= SystemFlagBits.Direction;

    public static void Cli(CpuState* s)
    {
        s->SystemFlags &= ~InterruptFlag(s);
    }

    /// <summary>Interrupts that it lets in come after the next instruction.</summary>
    public static void Sti(CpuState* s)
    {
        switch (InterruptFlag(s))
        {
            case SystemFlagBits.Interrupt:
                s->Shadow |= (s->SystemFlags & SystemFlagBits.Interrupt) == 0 ? InterruptShadow.Sti : InterruptShadow.None;
                s->SystemFlags |= SystemFlagBits.Interrupt;
                break;
            case SystemFlagBits.VirtualInterrupt when (s->SystemFlags & SystemFlagBits.VirtualInterruptPending) != 0:
                Raise.GeneralProtection(s, 0);
                break;
            case SystemFlagBits.VirtualInterrupt:
                s->SystemFlags |= SystemFlagBits.VirtualInterrupt;
                break;
        }
    }

    /// <summary>The image never shows RF and VM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Pushf<T>(CpuState* s, ref Flags f) where T : unmanaged
    {
        const ulong Hidden = SystemFlagBits.Resume | SystemFlagBits.Virtual8086;
        ulong image = s->SystemFlags | f.ToEflags();
        if ((image & SystemFlagBits.Virtual8086) != 0 && !IsIoPrivileged(s))
        {
            image = VirtualImage<T>(s, image);
        }
        return Bits.Truncate<T>(image & ~Hidden);
    }

    /// <summary>Writes what the privilege level allows; an image of 16 bits leaves the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Popf<T>(CpuState* s, ref Flags f, T image) where T : unmanaged
    {
        ulong value = Bits.Zero(image);
        if ((s->SystemFlags & SystemFlagBits.Virtual8086) != 0 && !IsIoPrivileged(s))
        {
            PopVirtual<T>(s, value);
            f = s->Flags;
            return;
        }
        ulong writable = FlagsImage.Writable(s, Unsafe.SizeOf<T>()) & s->FlagsImplemented & ~(FlagsImage.Virtual | SystemFlagBits.Resume);
        f = Flags.FromEflags((uint)value);
        s->SystemFlags = s->SystemFlags & ~(writable | (Unsafe.SizeOf<T>() == 2 ? 0 : SystemFlagBits.Resume)) | (value & writable);
    }

    /// <summary>The flag that CLI and STI change: IF with privilege; VIF with the virtual-interrupt extensions of CPL 3; none, and #GP(0), otherwise.</summary>
    static ulong InterruptFlag(CpuState* s)
    {
        if (IsIoPrivileged(s))
        {
            return SystemFlagBits.Interrupt;
        }
        ulong extension = (s->SystemFlags & SystemFlagBits.Virtual8086) != 0 ? Cr4.Virtual8086Extensions : Cr4.ProtectedVirtualInterrupts;
        if (s->Cpl == 3 && (s->Cr4 & extension) != 0)
        {
            return SystemFlagBits.VirtualInterrupt;
        }
        Raise.GeneralProtection(s, 0);
        return 0;
    }

    /// <summary>PUSHF of virtual-8086 mode with IOPL below 3: only with its extensions, and 16 bits.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong VirtualImage<T>(CpuState* s, ulong image) where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() == 2 && (s->Cr4 & Cr4.Virtual8086Extensions) != 0)
        {
            return FlagsImage.ForVirtual8086(s);
        }
        Raise.GeneralProtection(s, 0);
        return image;
    }

    /// <summary>POPF of virtual-8086 mode with IOPL below 3, in the same way.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void PopVirtual<T>(CpuState* s, ulong image) where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() != 2 || (s->Cr4 & Cr4.Virtual8086Extensions) == 0)
        {
            Raise.GeneralProtection(s, 0);
        }
        else if (FlagsImage.TryCheckVirtualInterrupt(s, image))
        {
            FlagsImage.LoadVirtualInterrupt(s, image);
        }
    }

    static bool IsIoPrivileged(CpuState* s) => s->Cpl <= ProtectionMode.IoPrivilege(s);
}
