using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The flags register as a whole and its bits that are not arithmetic.</summary>
static unsafe class SystemFlags
{
    public const uint Trap = 1 << 8, Interrupt = 1 << 9, Direction = 1 << 10, IoPrivilege = 3 << 12, NestedTask = 1 << 14;
    public const uint Resume = 1 << 16, Virtual8086 = 1 << 17, AlignmentCheck = 1 << 18, Identification = 1 << 21;

    /// <summary>All of RFLAGS.</summary>
    public static ulong Read(CpuState* s, ref Flags f) => s->SystemFlags | f.ToEflags();

    /// <summary>PUSHF. The image never shows RF and VM.</summary>
    public static T Push<T>(CpuState* s, ref Flags f) where T : unmanaged => Bits.Truncate<T>(Read(s, ref f) & ~(ulong)(Resume | Virtual8086));

    /// <summary>POPF.</summary>
    public static void Pop<T>(CpuState* s, ref Flags f, T value) where T : unmanaged
    {
        uint writable = Trap | Direction | NestedTask | AlignmentCheck | Identification;
        int privilege = CpuMode.Cpl(s->Mode);
        writable |= privilege == 0 ? Interrupt | IoPrivilege : IsIoPrivileged(s) ? Interrupt : 0;
        Write(s, ref f, Bits.Zero(value), Bits.Width<T>() == 16 ? (ushort)writable : writable);
        if (Bits.Width<T>() != 16)
        {
            s->SystemFlags &= ~(ulong)Resume;
        }
    }

    /// <summary>Writes the arithmetic flags and those system flags that are writable.</summary>
    public static void Write(CpuState* s, ref Flags f, ulong value, uint writable)
    {
        f = Flags.FromEflags((uint)value);
        s->SystemFlags = (s->SystemFlags & ~(ulong)writable) | (value & writable);
    }

    public static void ClearDirection(CpuState* s) => s->SystemFlags &= ~(ulong)Direction;

    public static void SetDirection(CpuState* s) => s->SystemFlags |= Direction;

    public static void ClearInterrupt(CpuState* s)
    {
        if (!IsIoPrivileged(s))
        {
            Raise.GeneralProtection(s, 0);
            return;
        }
        s->SystemFlags &= ~(ulong)Interrupt;
    }

    public static void SetInterrupt(CpuState* s)
    {
        if (!IsIoPrivileged(s))
        {
            Raise.GeneralProtection(s, 0);
            return;
        }
        s->SystemFlags |= Interrupt;
    }

    /// <summary>CPL ≤ IOPL: CLI, STI and port I/O are allowed. Always so in real mode.</summary>
    public static bool IsIoPrivileged(CpuState* s) =>
        (s->Mode & CpuMode.Protected) == 0 || (uint)CpuMode.Cpl(s->Mode) <= ((uint)s->SystemFlags & IoPrivilege) >> 12;
}
