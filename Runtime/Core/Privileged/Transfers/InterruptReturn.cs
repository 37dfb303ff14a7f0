using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>IRET (SDM Vol. 2, IRET).</summary>
static unsafe class InterruptReturn
{
    /// <summary>False: a fault is recorded and nothing has changed. A fault recorded with true is one of the task that has been switched to.</summary>
    public static bool TryReturn(CpuState* s, int size, ulong nextRip)
    {
        s->NmiMasked = 0;
        if (ProtectionMode.IsReal(s))
        {
            return TryReturnReal(s, size);
        }
        if (ProtectionMode.IsVirtual8086(s))
        {
            return TryReturnVirtual8086(s, size);
        }
        if ((s->SystemFlags & SystemFlagBits.NestedTask) != 0)
        {
            if (ProtectionMode.IsLong(s))
            {
                Raise.GeneralProtection(s, 0);
                return false;
            }
            return TaskSwitch.TryReturn(s, nextRip);
        }
        return TryReturnProtected(s, size);
    }

    static bool TryReturnReal(CpuState* s, int size)
    {
        TransferStack stack = TransferStack.Current(s);
        if (!TryPopFrame(ref stack, size, out ulong offset, out ushort selector, out ulong image) || !FarJump.TryCheckRealTarget(s, offset))
        {
            return false;
        }
        stack.Commit();
        FarJump.EnterReal(s, selector, offset);
        FlagsImage.Load(s, image, FlagsImage.AtLevel0(size) & ~FlagsImage.Virtual);
        return true;
    }

    static bool TryReturnVirtual8086(CpuState* s, int size)
    {
        TransferStack stack = TransferStack.Current(s);
        bool isPrivileged = ProtectionMode.IoPrivilege(s) == 3;
        if (!isPrivileged && ((s->Cr4 & Cr4.Virtual8086Extensions) == 0 || size != 2))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        if (!TryPopFrame(ref stack, size, out ulong offset, out ushort selector, out ulong image) || !FarJump.TryCheckRealTarget(s, offset)
            || (!isPrivileged && !FlagsImage.TryCheckVirtualInterrupt(s, image)))
        {
            return false;
        }
        stack.Commit();
        FarJump.EnterReal(s, selector, offset);
        if (isPrivileged)
        {
            FlagsImage.Load(s, image, FlagsImage.Always(size) | SystemFlagBits.Interrupt);
        }
        else
        {
            FlagsImage.LoadVirtualInterrupt(s, image);
        }
        return true;
    }

    static bool TryReturnProtected(CpuState* s, int size)
    {
        TransferStack stack = TransferStack.Current(s);
        if (!TryPopFrame(ref stack, size, out ulong offset, out ushort selector, out ulong image))
        {
            return false;
        }
        if (size == 4 && (image & SystemFlagBits.Virtual8086) != 0 && s->Cpl == 0 && !ProtectionMode.IsLong(s))
        {
            return TryEnterVirtual8086(s, ref stack, selector, offset, image);
        }
        if (!FarReturn.TryReadTarget(s, selector, out Descriptor code))
        {
            return false;
        }
        int previous = s->Cpl, cpl = selector & 3;
        // 64-bit code always gets its stack back.
        TransferStack returned = stack;
        if ((cpl > previous || ProtectionMode.Is64BitCode(s)) && !FarReturn.TryPopStack(s, ref stack, code, cpl, size, out returned))
        {
            return false;
        }
        ulong writable = FlagsImage.Writable(s, size);
        if (!FarReturn.TryEnter(s, selector, code, offset, returned))
        {
            return false;
        }
        FlagsImage.Load(s, image, writable);
        return true;
    }

    /// <summary>The frame of an interrupt from virtual-8086 mode holds all segment registers.</summary>
    static bool TryEnterVirtual8086(CpuState* s, ref TransferStack stack, ushort selector, ulong offset, ulong image)
    {
        const int Size = 4;
        if (!stack.TryPop(Size, out ulong pointer) || !stack.TryPopSelector(Size, out ushort ss) || !stack.TryPopSelector(Size, out ushort es)
            || !stack.TryPopSelector(Size, out ushort ds) || !stack.TryPopSelector(Size, out ushort fs) || !stack.TryPopSelector(Size, out ushort gs))
        {
            return false;
        }
        if (offset > ushort.MaxValue)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        FlagsImage.Load(s, image, s->FlagsImplemented);
        ReadOnlySpan<ushort> selectors = [es, selector, ss, ds, fs, gs];
        for (int i = 0; i < selectors.Length; i++)
        {
            Segmentation.SetVirtual8086(Segmentation.Register(s, i), selectors[i]);
        }
        s->Cpl = 3;
        s->Rsp = (uint)pointer;
        s->Rip = offset;
        return true;
    }

    static bool TryPopFrame(ref TransferStack stack, int size, out ulong offset, out ushort selector, out ulong image)
    {
        selector = 0;
        image = 0;
        return stack.TryPop(size, out offset) && stack.TryPopSelector(size, out selector) && stack.TryPop(size, out image);
    }
}
