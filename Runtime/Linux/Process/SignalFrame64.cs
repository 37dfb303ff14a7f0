using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>struct rt_sigframe of x86-64: return address, ucontext, siginfo; the FPU image lies above it.</summary>
static class SignalFrame64
{
    const int FrameSize = 440, ContextOffset = 8, InfoOffset = 312, MaskOffset = 304;
    const uint ExtendedState = 1, HasStackSegment = 2, StrictStackSegment = 4;

    public static bool TryPush(GuestThread thread, SignalInfo info, SignalAction action, ulong oldMask, ulong stack)
    {
        // The kernel has no other way back from a handler of x86-64.
        if ((action.Flags & SignalAction.HasRestorer) == 0)
        {
            return false;
        }

        Vcpu cpu = thread.Cpu;
        int fpuSize = FpuImage.Size(cpu);
        ulong fpu = (stack - (ulong)fpuSize) & ~63UL;
        ulong frame = ((fpu - FrameSize) & ~15UL) - 8;
        byte[] image = new byte[fpuSize];
        FpuImage.Save(cpu, image);
        StructWriter w = new(stackalloc byte[FrameSize], LinuxAbi.Amd64);
        w.Wide(action.Restorer);
        w.Wide((fpuSize > FpuImage.LegacySize ? ExtendedState : 0) | HasStackSegment | StrictStackSegment);
        w.Wide(0);
        SignalFrame.WriteStack(ref w, thread);
        WriteRegisters(ref w, cpu, info, oldMask, fpu);
        w.PadTo(MaskOffset);
        w.Wide(oldMask);
        w.PadTo(InfoOffset);
        info.Write(ref w);
        if (!thread.Process.Memory.TryWrite(fpu, image) || !thread.Process.Memory.TryWrite(frame, w.Written))
        {
            return false;
        }

        FpuImage.Reset(cpu);
        cpu.Regs.Rsp = frame;
        cpu.Regs.Rax = 0;
        cpu.Regs.Rdi = (ulong)info.Signal;
        cpu.Regs.Rsi = frame + InfoOffset;
        cpu.Regs.Rdx = frame + ContextOffset;
        return true;
    }

    /// <summary>rt_sigreturn: the return address is popped already. Returns the value of RAX.</summary>
    public static long Return(GuestThread thread)
    {
        Vcpu cpu = thread.Cpu;
        byte[] frame = new byte[InfoOffset];
        if (!thread.Process.Memory.TryRead(cpu.Regs.Rsp - 8, frame))
        {
            return SignalFrame.Bad(thread);
        }

        StructReader r = new(frame, LinuxAbi.Amd64);
        r.SkipTo(ContextOffset + 16);
        SignalFrame.ReadStack(ref r, thread);
        RegisterFile regs = cpu.Regs;
        ulong[] high = new ulong[8];
        for (int i = 0; i < high.Length; i++)
        {
            high[i] = r.Wide();
        }

        ulong rdi = r.Wide(), rsi = r.Wide(), rbp = r.Wide(), rbx = r.Wide(), rdx = r.Wide(), rax = r.Wide(), rcx = r.Wide(), rsp = r.Wide();
        ulong rip = r.Wide(), flags = r.Wide();
        r.Wide();
        r.Wide();
        r.Wide();
        r.Wide();
        r.Wide();
        ulong fpu = r.Wide();
        r.SkipTo(MaskOffset);
        ulong mask = r.Wide();
        if (fpu != 0)
        {
            byte[] image = new byte[FpuImage.Size(cpu)];
            if (!thread.Process.Memory.TryRead(fpu, image) || !FpuImage.TryLoad(cpu, image))
            {
                return SignalFrame.Bad(thread);
            }
        }

        for (int i = 0; i < high.Length; i++)
        {
            regs[8 + i] = high[i];
        }

        regs.Rdi = rdi;
        regs.Rsi = rsi;
        regs.Rbp = rbp;
        regs.Rbx = rbx;
        regs.Rdx = rdx;
        regs.Rcx = rcx;
        regs.Rsp = rsp;
        regs.Rip = rip;
        SignalFrame.RestoreFlags(cpu, flags);
        thread.Mask = mask;
        return (long)rax;
    }

    static void WriteRegisters(ref StructWriter w, Vcpu cpu, SignalInfo info, ulong oldMask, ulong fpu)
    {
        RegisterFile regs = cpu.Regs;
        for (int i = 8; i < 16; i++)
        {
            w.Wide(regs[i]);
        }

        w.Wide(regs.Rdi);
        w.Wide(regs.Rsi);
        w.Wide(regs.Rbp);
        w.Wide(regs.Rbx);
        w.Wide(regs.Rdx);
        w.Wide(regs.Rax);
        w.Wide(regs.Rcx);
        w.Wide(regs.Rsp);
        w.Wide(regs.Rip);
        w.Wide(regs.Rflags);
        w.Short(cpu.Segments.Cs.Selector);
        w.Short(cpu.Segments.Gs.Selector);
        w.Short(cpu.Segments.Fs.Selector);
        w.Short(cpu.Segments.Ss.Selector);
        w.Wide(info.TrapErrorCode);
        w.Wide((ulong)info.TrapVector);
        w.Wide(oldMask);
        w.Wide(info.Address);
        w.Wide(fpu);
    }
}
