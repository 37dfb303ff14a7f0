using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>What POPF, IRET and task switches may change of RFLAGS (SDM Vol. 2, POPF, IRET; Vol. 1 3.4.3).</summary>
static unsafe class FlagsImage
{
    /// <summary>Flags that only a return to virtual-8086 mode and level 0 change.</summary>
    public const ulong Virtual = SystemFlagBits.Virtual8086 | SystemFlagBits.VirtualInterrupt | SystemFlagBits.VirtualInterruptPending;

    const ulong LowHalf = 0xFFFF;

    /// <summary>What every level may change with an image of <paramref name="size"/> bytes.</summary>
    public static ulong Always(int size)
    {
        const ulong Flags = SystemFlagBits.Trap | SystemFlagBits.Direction | SystemFlagBits.NestedTask;
        return size == 2 ? Flags : Flags | SystemFlagBits.Resume | SystemFlagBits.AlignmentCheck | SystemFlagBits.Identification;
    }

    /// <summary>What level 0 may change.</summary>
    public static ulong AtLevel0(int size)
    {
        const ulong Flags = SystemFlagBits.Interrupt | SystemFlagBits.IoPrivilege;
        return Always(size) | (size == 2 ? Flags : Flags | SystemFlagBits.VirtualInterrupt | SystemFlagBits.VirtualInterruptPending);
    }

    /// <summary>What IRET may change at the present level.</summary>
    public static ulong Writable(CpuState* s, int size) =>
        s->Cpl == 0 ? AtLevel0(size)
        : s->Cpl <= ProtectionMode.IoPrivilege(s) ? Always(size) | SystemFlagBits.Interrupt
        : Always(size);

    /// <summary>Takes the arithmetic flags and those of <paramref name="writable"/> from an image.</summary>
    public static void Load(CpuState* s, ulong image, ulong writable)
    {
        writable &= s->FlagsImplemented;
        s->Flags = Flags.FromEflags((uint)image);
        s->SystemFlags = s->SystemFlags & ~writable | image & writable;
    }

    /// <summary>Virtual-8086 extensions: an image of 16 bits may not set TF, nor IF while an interrupt is pending; else #GP(0).</summary>
    public static bool TryCheckVirtualInterrupt(CpuState* s, ulong image)
    {
        bool enables = (image & SystemFlagBits.Interrupt) != 0 && (s->SystemFlags & SystemFlagBits.VirtualInterruptPending) != 0;
        if (!enables && (image & SystemFlagBits.Trap) == 0)
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    /// <summary>Virtual-8086 extensions: the image's IF goes to VIF; IF, IOPL and the upper half stay.</summary>
    public static void LoadVirtualInterrupt(CpuState* s, ulong image)
    {
        Load(s, image, Always(2));
        s->SystemFlags = s->SystemFlags & ~SystemFlagBits.VirtualInterrupt
            | ((image & SystemFlagBits.Interrupt) != 0 ? SystemFlagBits.VirtualInterrupt : 0);
    }

    /// <summary>Virtual-8086 extensions: an image of 16 bits shows VIF as IF, and IOPL 3.</summary>
    public static ulong ForVirtual8086(CpuState* s)
    {
        ulong image = ProtectionMode.Flags(s) & LowHalf & ~SystemFlagBits.Interrupt | SystemFlagBits.IoPrivilege;
        return image | ((s->SystemFlags & SystemFlagBits.VirtualInterrupt) != 0 ? SystemFlagBits.Interrupt : 0);
    }
}
