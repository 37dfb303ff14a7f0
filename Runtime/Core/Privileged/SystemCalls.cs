using FastVcpu.Events;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS (SDM Vol. 2). False: a fault is recorded and nothing has changed.</summary>
static unsafe class SystemCalls
{
    const int CodeAttributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.Code | Segmentation.ReadWrite | Segmentation.Accessed | Segmentation.Granularity;
    const int DataAttributes = Segmentation.Present | Segmentation.CodeOrData | Segmentation.ReadWrite | Segmentation.Accessed | Segmentation.Granularity | Segmentation.DefaultBig;

    public static bool TrySyscall(CpuState* s, ulong nextRip)
    {
        if ((s->Efer & Efer.SystemCall) == 0 || ProtectionMode.IsReal(s))
        {
            Raise.InvalidOpcode(s);
            return false;
        }
        ushort selector = (ushort)(s->Star >> 32 & 0xFFFC);
        if (ProtectionMode.IsLong(s))
        {
            s->Rcx = nextRip;
            (&s->Rax)[11] = ProtectionMode.Flags(s) & ~SystemFlagBits.Resume;
            s->Rip = ProtectionMode.Is64BitCode(s) ? s->Lstar : s->Cstar;
            FlagsImage.Load(s, ProtectionMode.Flags(s) & ~(s->SyscallMask | SystemFlagBits.Resume), ulong.MaxValue);
            SetFlat(s, selector, 0, is64: true);
        }
        else
        {
            s->Rcx = (uint)nextRip;
            s->Rip = (uint)s->Star;
            s->SystemFlags &= ~(SystemFlagBits.Virtual8086 | SystemFlagBits.Interrupt | SystemFlagBits.Resume);
            SetFlat(s, selector, 0, is64: false);
        }
        TrapAsTheNewFlagsSay(s);
        return true;
    }

    public static bool TrySysret(CpuState* s, bool is64)
    {
        if ((s->Efer & Efer.SystemCall) == 0 || !ProtectionMode.IsProtected(s))
        {
            Raise.InvalidOpcode(s);
            return false;
        }
        if (s->Cpl != 0 || (is64 && !SlowPath.IsCanonical(s, s->Rcx)))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        ushort first = (ushort)(s->Star >> 48);
        bool isLong = ProtectionMode.IsLong(s);
        if (isLong)
        {
            FlagsImage.Load(s, (&s->Rax)[11], ~(SystemFlagBits.Resume | SystemFlagBits.Virtual8086));
        }
        else
        {
            s->SystemFlags |= SystemFlagBits.Interrupt;
        }
        s->Rip = is64 ? s->Rcx : (uint)s->Rcx;
        SetCode(s, (ushort)(first + (is64 ? 16 : 0) | 3), 3, is64);
        SetStack(s, (ushort)(first + 8 | 3), 3);
        TrapAsTheNewFlagsSay(s);
        return true;
    }

    public static bool TrySysenter(CpuState* s)
    {
        if (!ProtectionMode.IsReal(s) && (s->SysenterCs & 0xFFFC) != 0)
        {
            bool isLong = ProtectionMode.IsLong(s);
            s->SystemFlags &= ~(SystemFlagBits.Virtual8086 | SystemFlagBits.Interrupt | SystemFlagBits.Resume);
            s->Rip = isLong ? s->SysenterEip : (uint)s->SysenterEip;
            s->Rsp = isLong ? s->SysenterEsp : (uint)s->SysenterEsp;
            SetFlat(s, (ushort)(s->SysenterCs & 0xFFFC), 0, isLong);
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    public static bool TrySysexit(CpuState* s, bool is64)
    {
        bool isCanonical = !is64 || (SlowPath.IsCanonical(s, s->Rcx) && SlowPath.IsCanonical(s, s->Rdx));
        if (!ProtectionMode.IsProtected(s) || s->Cpl != 0 || (s->SysenterCs & 0xFFFC) == 0 || !isCanonical)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        s->Rip = is64 ? s->Rdx : (uint)s->Rdx;
        s->Rsp = is64 ? s->Rcx : (uint)s->Rcx;
        SetFlat(s, (ushort)((s->SysenterCs & 0xFFFC) + (is64 ? 32UL : 16UL) | 3), 3, is64);
        return true;
    }

    public static void SwapGs(CpuState* s) => (s->Gs.Base, s->KernelGsBase) = (s->KernelGsBase, s->Gs.Base);

    /// <summary>
    /// TF counts as these instructions leave it, not as they find it: a system that masks it is not single-stepped, and SYSRET traps as if the SYSCALL
    /// had just completed.
    /// </summary>
    static void TrapAsTheNewFlagsSay(CpuState* s)
    {
        s->EventDelivered = 1;
        s->PendingDebug |= (s->SystemFlags & SystemFlagBits.Trap) != 0 ? Dr6.SingleStep : 0;
    }

    /// <summary>CS and the stack segment that follows it in the table.</summary>
    static void SetFlat(CpuState* s, ushort selector, int cpl, bool is64)
    {
        SetCode(s, selector, cpl, is64);
        SetStack(s, (ushort)(selector + 8), cpl);
    }

    static void SetCode(CpuState* s, ushort selector, int cpl, bool is64)
    {
        int size = is64 ? Segmentation.LongMode : Segmentation.DefaultBig;
        Segmentation.Set(&s->Cs, selector, 0, uint.MaxValue, CodeAttributes | size | cpl << Segmentation.DplShift);
        s->Cpl = cpl;
    }

    static void SetStack(CpuState* s, ushort selector, int cpl) =>
        Segmentation.Set(&s->Ss, selector, 0, uint.MaxValue, DataAttributes | cpl << Segmentation.DplShift);
}
