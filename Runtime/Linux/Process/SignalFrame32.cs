using System.Buffers.Binary;
using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>The two signal frames of i386: with siginfo and ucontext (SA_SIGINFO), and the older one with the bare register context.</summary>
static class SignalFrame32
{
    /// <summary>The FSAVE image that stands before the FXSAVE image: 7 words, 8 registers of 10 bytes, status and a magic number.</summary>
    const int LegacyFpuSize = 112;

    const int RegistersSize = 88;
    const int OldFrameSize = 8 + RegistersSize + LegacyFpuSize + FpuImage.LegacySize + 4 + 8, OldRegisters = 8;
    const int OldExtraMask = OldFrameSize - 12;
    const int FrameSize = 16 + SignalInfo.Size + 20 + RegistersSize + 8 + 8, InfoOffset = 16, ContextOffset = InfoOffset + SignalInfo.Size;
    const int ContextRegisters = ContextOffset + 20, ContextMask = ContextRegisters + RegistersSize;

    public static bool TryPush(GuestThread thread, SignalInfo info, SignalAction action, ulong oldMask, uint stack)
    {
        Vcpu cpu = thread.Cpu;
        bool withInformation = (action.Flags & SignalAction.WithInformation) != 0;
        byte[] image = FpuState(cpu);
        uint fpu = ((stack - (uint)image.Length + LegacyFpuSize) & ~63u) - LegacyFpuSize;
        int size = withInformation ? FrameSize : OldFrameSize;
        uint frame = ((fpu - (uint)size + 4) & ~15u) - 4;
        uint restorer = (uint)action.Restorer;
        if ((action.Flags & SignalAction.HasRestorer) == 0 && !SignalTrampoline.TryGet(thread.Process.Memory, withInformation, out restorer))
        {
            return false;
        }

        StructWriter w = new(stackalloc byte[size], LinuxAbi.I386);
        w.Int(restorer);
        w.Int(info.Signal);
        if (withInformation)
        {
            w.Int(frame + InfoOffset);
            w.Int(frame + ContextOffset);
            info.Write(ref w);
            w.Int(0);
            w.Int(0);
            SignalFrame.WriteStack(ref w, thread);
            WriteRegisters(ref w, cpu, info, oldMask, fpu);
            w.Wide(oldMask);
        }
        else
        {
            WriteRegisters(ref w, cpu, info, oldMask, fpu);
            w.PadTo(OldExtraMask);
            w.Int((uint)(oldMask >> 32));
        }

        w.PadTo(size);
        if (!thread.Process.Memory.TryWrite(fpu, image) || !thread.Process.Memory.TryWrite(frame, w.Written))
        {
            return false;
        }

        FpuImage.Reset(cpu);
        cpu.Regs.Rsp = frame;
        cpu.Regs.Rax = (ulong)info.Signal;
        cpu.Regs.Rdx = withInformation ? frame + InfoOffset : 0;
        cpu.Regs.Rcx = withInformation ? frame + ContextOffset : 0;
        return true;
    }

    /// <summary>rt_sigreturn: the handler's return popped the address; the frame begins below it. Returns the value of EAX.</summary>
    public static long Return(GuestThread thread)
    {
        byte[] frame = new byte[FrameSize];
        if (!thread.Process.Memory.TryRead((uint)thread.Cpu.Regs.Rsp - 4, frame))
        {
            return SignalFrame.Bad(thread);
        }

        StructReader context = new(frame.AsSpan(ContextOffset), LinuxAbi.I386);
        context.SkipTo(8);
        SignalFrame.ReadStack(ref context, thread);
        ulong mask = BinaryPrimitives.ReadUInt64LittleEndian(frame.AsSpan(ContextMask));
        return Restore(thread, frame.AsSpan(ContextRegisters, RegistersSize), mask);
    }

    /// <summary>sigreturn: the trampoline of the older frame has also popped the signal number.</summary>
    public static long ReturnOld(GuestThread thread)
    {
        byte[] frame = new byte[OldFrameSize];
        if (!thread.Process.Memory.TryRead((uint)thread.Cpu.Regs.Rsp - 8, frame))
        {
            return SignalFrame.Bad(thread);
        }

        uint low = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(OldRegisters + 80));
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(OldExtraMask));
        return Restore(thread, frame.AsSpan(OldRegisters, RegistersSize), low | (ulong)high << 32);
    }

    static long Restore(GuestThread thread, ReadOnlySpan<byte> registers, ulong mask)
    {
        Vcpu cpu = thread.Cpu;
        StructReader r = new(registers, LinuxAbi.I386);
        uint gs = r.Int(), fs = r.Int(), es = r.Int(), ds = r.Int();
        RegisterFile regs = cpu.Regs;
        regs.Rdi = r.Int();
        regs.Rsi = r.Int();
        regs.Rbp = r.Int();
        uint esp = r.Int();
        regs.Rbx = r.Int();
        regs.Rdx = r.Int();
        regs.Rcx = r.Int();
        uint eax = r.Int();
        r.Int();
        r.Int();
        uint eip = r.Int();
        r.Int();
        uint flags = r.Int();
        r.Int();
        r.Int();
        uint fpu = r.Int();
        if (fpu != 0)
        {
            byte[] image = new byte[FpuImage.Size(cpu)];
            if (!thread.Process.Memory.TryRead(fpu + LegacyFpuSize, image) || !FpuImage.TryLoad(cpu, image))
            {
                return SignalFrame.Bad(thread);
            }
        }

        regs.Rsp = esp;
        regs.Rip = eip;
        SignalFrame.RestoreFlags(cpu, flags);
        thread.Descriptors.Load(cpu, SegmentNumber.Es, (ushort)es);
        thread.Descriptors.Load(cpu, SegmentNumber.Ds, (ushort)ds);
        thread.Descriptors.Load(cpu, SegmentNumber.Fs, (ushort)fs);
        thread.Descriptors.Load(cpu, SegmentNumber.Gs, (ushort)gs);
        thread.Mask = mask;
        return eax;
    }

    static void WriteRegisters(ref StructWriter w, Vcpu cpu, SignalInfo info, ulong oldMask, uint fpu)
    {
        RegisterFile regs = cpu.Regs;
        w.Int((uint)cpu.Segments.Gs.Selector);
        w.Int((uint)cpu.Segments.Fs.Selector);
        w.Int((uint)cpu.Segments.Es.Selector);
        w.Int((uint)cpu.Segments.Ds.Selector);
        w.Int((uint)regs.Rdi);
        w.Int((uint)regs.Rsi);
        w.Int((uint)regs.Rbp);
        w.Int((uint)regs.Rsp);
        w.Int((uint)regs.Rbx);
        w.Int((uint)regs.Rdx);
        w.Int((uint)regs.Rcx);
        w.Int((uint)regs.Rax);
        w.Int((uint)info.TrapVector);
        w.Int(info.TrapErrorCode);
        w.Int((uint)regs.Rip);
        w.Int((uint)cpu.Segments.Cs.Selector);
        w.Int((uint)regs.Rflags);
        w.Int((uint)regs.Rsp);
        w.Int((uint)cpu.Segments.Ss.Selector);
        w.Int(fpu);
        w.Int((uint)oldMask);
        w.Int((uint)info.Address);
    }

    static byte[] FpuState(Vcpu cpu)
    {
        byte[] state = new byte[LegacyFpuSize + FpuImage.Size(cpu)];
        Span<byte> image = state.AsSpan(LegacyFpuSize);
        FpuImage.Save(cpu, image);
        StructWriter w = new(state, LinuxAbi.I386);
        w.Int(0xFFFF_0000 | cpu.Fpu.ControlWord);
        w.Int(0xFFFF_0000 | cpu.Fpu.StatusWord);
        w.Int(0xFFFF_0000 | FullTag(cpu.Fpu));
        w.Int((uint)cpu.Fpu.LastInstructionPointer);
        w.Int((uint)cpu.Fpu.LastOpcode << 16 | cpu.Segments.Cs.Selector);
        w.Int((uint)cpu.Fpu.LastDataPointer);
        w.Int(0xFFFF_0000 | cpu.Segments.Ds.Selector);
        for (int i = 0; i < 8; i++)
        {
            w.Bytes(cpu.Fpu.Register((cpu.Fpu.StatusWord >> 11) + i & 7));
        }

        w.Short(cpu.Fpu.StatusWord);
        // 0: an FXSAVE image follows.
        w.Short(0);
        return state;
    }

    /// <summary>The tag word of FSAVE: 0 valid, 1 zero, 2 special, 3 empty, for each physical register.</summary>
    static uint FullTag(FpuState fpu)
    {
        uint tags = 0;
        for (int i = 0; i < 8; i++)
        {
            ReadOnlySpan<byte> value = fpu.Register(i);
            int exponent = BinaryPrimitives.ReadUInt16LittleEndian(value[8..]) & 0x7FFF;
            ulong significand = BinaryPrimitives.ReadUInt64LittleEndian(value);
            bool isNormal = exponent is not (0 or 0x7FFF) && (significand >> 63) != 0;
            uint tag = (fpu.AbridgedTag >> i & 1) == 0 ? 3u : isNormal ? 0u : exponent == 0 && significand == 0 ? 1u : 2u;
            tags |= tag << 2 * i;
        }

        return tags;
    }
}
