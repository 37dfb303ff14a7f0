using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Instructions on the flags register and its bits.</summary>
static unsafe class FlagOps
{
    /// <summary>The bits that POPF and IRET may change at every privilege level.</summary>
    const ulong AlwaysWritable =
        SystemFlagBits.Trap | SystemFlagBits.Direction | SystemFlagBits.NestedTask | SystemFlagBits.AlignmentCheck | SystemFlagBits.Identification;

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
        if (IsIoAllowed(s))
        {
            s->SystemFlags &= ~SystemFlagBits.Interrupt;
        }
    }

    /// <summary>Interrupts that it lets in come after the next instruction.</summary>
    public static void Sti(CpuState* s)
    {
        if (IsIoAllowed(s))
        {
            s->Shadow |= (s->SystemFlags & SystemFlagBits.Interrupt) == 0 ? InterruptShadow.Sti : InterruptShadow.None;
            s->SystemFlags |= SystemFlagBits.Interrupt;
        }
    }

    /// <summary>The image never shows RF and VM.</summary>
    public static T Pushf<T>(CpuState* s, ref Flags f) where T : unmanaged =>
        Bits.Truncate<T>((s->SystemFlags | f.ToEflags()) & ~(SystemFlagBits.Resume | SystemFlagBits.Virtual8086));

    /// <summary>Writes what the privilege level allows; an image of 16 bits leaves the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Popf<T>(CpuState* s, ref Flags f, T image) where T : unmanaged
    {
        ulong writable = AlwaysWritable | (CpuMode.Cpl(s->Mode) == 0 ? SystemFlagBits.IoPrivilege : 0) | (IsIoPrivileged(s) ? SystemFlagBits.Interrupt : 0);
        if (Unsafe.SizeOf<T>() == 2)
        {
            writable &= ushort.MaxValue;
        }
        else
        {
            s->SystemFlags &= ~SystemFlagBits.Resume;
        }
        ulong value = Bits.Zero(image);
        f = Flags.FromEflags((uint)value);
        s->SystemFlags = (s->SystemFlags & ~writable) | (value & writable);
    }

    /// <summary>CPL ≤ IOPL, or #GP(0).</summary>
    public static bool IsIoAllowed(CpuState* s)
    {
        bool allowed = IsIoPrivileged(s);
        if (!allowed)
        {
            Raise.GeneralProtection(s, 0);
        }
        return allowed;
    }

    static bool IsIoPrivileged(CpuState* s) =>
        (ulong)CpuMode.Cpl(s->Mode) <= (s->SystemFlags & SystemFlagBits.IoPrivilege) >> SystemFlagBits.IoPrivilegeShift;
}
