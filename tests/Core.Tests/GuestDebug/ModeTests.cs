using static FastVcpu.GuestDebugFlags;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Steps and breakpoints where the mode or the privilege level changes.</summary>
public sealed class ModeTests
{
    const ulong Trap = 0x100, Interrupt = 0x200;
    const uint Star = 0xC0000081, LongStar = 0xC0000082, FlagMask = 0xC0000084;
    const int Vector = 0x80;

    static void StepsTo(SystemMachine machine, ulong pc, GuestDebugFlags flags = None)
    {
        machine.Cpu.SetGuestDebug(Enable | SingleStep | flags);
        VcpuExit exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Debug, 1L), (exit.Reason, exit.InstructionsRetired));
        Assert.Equal(new DebugExit(1, pc, 0xFFFF4FF0, 0x400), exit.Debug);
    }

    /// <summary>A SYSCALL of 64-bit code to <see cref="Data"/>.</summary>
    static SystemMachine SystemCall()
    {
        SystemMachine machine = new(Start.User64, a => { a.syscall(); a.nop(); });
        machine.System = machine.System with { Efer = machine.System.Efer | 1 };
        Assert.True(machine.Cpu.TrySetMsr(Star, (ulong)UserCode32 << 48 | (ulong)Code64 << 32));
        Assert.True(machine.Cpu.TrySetMsr(LongStar, Data));
        Assert.True(machine.Cpu.TrySetMsr(FlagMask, 0));
        machine.Assemble(Data, a => a.sysretq());
        return machine;
    }

    [Fact]
    public void C2_R11OfSyscallShowsNoTrapFlag()
    {
        using SystemMachine machine = SystemCall();
        StepsTo(machine, Data);
        Assert.Equal((2UL, 2UL), (machine.Regs.R11, machine.Regs.Rflags));
    }

    [Fact]
    public void C3_R11OfSyscallShowsTheGuestsOwnTrapFlag()
    {
        using SystemMachine machine = SystemCall();
        machine.Regs.Rflags |= Trap;
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
        Assert.Equal(Trap | 2, machine.Regs.R11);
    }

    [Fact]
    public void H3_SyscallAndSysretAreOneStepEach()
    {
        using SystemMachine machine = SystemCall();
        StepsTo(machine, Data);
        Assert.Equal(Code64, machine.Cpu.Segments.Cs.Selector);
        StepsTo(machine, Origin + 2);
        Assert.Equal(3, machine.Cpu.Segments.Cs.Selector & 3);
        StepsTo(machine, Origin + 3);
    }

    [Fact]
    public void H3_AnInterruptOfUserCodeAndItsReturnAreOneStepEach()
    {
        using SystemMachine machine = new(Start.User32, a => { a.@int(Vector); a.nop(); });
        machine.Assemble(Handler(Vector), a => a.iretd());
        StepsTo(machine, Handler(Vector));
        Assert.Equal((Code32, Origin + 2, 2UL), (machine.Cpu.Segments.Cs.Selector, machine.Frame(Vector).Rip, machine.Frame(Vector).Flags));
        StepsTo(machine, Origin + 2);
        Assert.Equal(UserCode32, machine.Cpu.Segments.Cs.Selector);
    }

    [Fact]
    public void H3_AFaultIsOneStepAndItsReturnAnother()
    {
        using SystemMachine machine = new(Start.User32, a => { a.hlt(); a.nop(); });
        machine.Assemble(Handler(13), a => { a.add(esp, 4); a.inc(__dword_ptr[esp]); a.iretd(); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        VcpuExit exit = machine.Cpu.Run();
        // A faulting instruction has not retired.
        Assert.Equal((ExitReason.Debug, 0L, Handler(13)), (exit.Reason, exit.InstructionsRetired, exit.Debug.Pc));
        StepsTo(machine, Handler(13) + 3);
        StepsTo(machine, Handler(13) + 6);
        StepsTo(machine, Origin + 1);
    }

    [Fact]
    public void H3_ATaskSwitchIsOneStep()
    {
        using SystemMachine machine = new(Start.Protected32, a => a.jmp(Free, 0));
        machine.SetDescriptor(Free, Descriptors.System(Tss32, OtherTss, 0x67));
        machine.Write(OtherTss + 0x20, (uint)Data);
        machine.Write(OtherTss + 0x24, 2u);
        machine.Write(OtherTss + 0x38, (uint)Stack1);
        foreach ((ulong offset, ushort selector) in new[] { (0x48UL, Data32), (0x4CUL, Code32), (0x50UL, Data32), (0x54UL, Data32) })
        {
            machine.Write(OtherTss + offset, selector);
        }
        machine.Assemble(Data, a => a.nop());
        StepsTo(machine, Data);
        StepsTo(machine, Data + 1);
    }

    [Fact]
    public void H3_FromRealToProtectedModeEachInstructionIsOneStep()
    {
        using RealMachine machine = new(a => { a.lgdt(__[bx]); a.mov(eax, cr0); a.or(al, 1); a.mov(cr0, eax); });
        byte[] code = machine.Read(RealMachine.Code, (int)(machine.CodeEnd - RealMachine.Code));
        // JMP 8:3000h, with the 32-bit segment as the second descriptor.
        machine.Write((uint)machine.CodeEnd, 0xEA, 0x00, 0x30, 0x08, 0x00);
        machine.Write(0x3000, 0x40, 0x90);
        machine.Write(RealMachine.Data, 0x0F, 0x00, 0x00, 0x91, 0x00, 0x00);
        machine.Write(0x9108, BitConverter.GetBytes(Segment(CodeReadable)));
        machine.Regs.Rbx = RealMachine.Data;
        machine.StepsTo(RealMachine.Code + 3);
        machine.StepsTo(RealMachine.Code + 6);
        machine.StepsTo(RealMachine.Code + 8);
        machine.StepsTo(RealMachine.Code + (uint)code.Length);
        machine.StepsTo(0x3000);
        machine.StepsTo(0x3001);
        Assert.Equal(0x60000012UL, machine.Regs.Rax);
    }

    [Fact]
    public void E2_DescriptorTablesPagingStructuresAndTheTssAreNotWatched()
    {
        using SystemMachine machine = new(new Start(32, 3, Paging.TwoLevels), a => { a.mov(eax, UserData); a.mov(ds, ax); a.mov(ebx, (uint)Data); a.mov(__dword_ptr[ebx], eax); a.@int(Vector); });
        DebugRegisters watched = DebugRegisters.Reset
            .With(0, Gdt + (UserData & ~7u), BreakpointType.ReadWrite, 8)
            .With(1, Idt + Vector * 8, BreakpointType.ReadWrite, 8)
            .With(2, Tss + 4, BreakpointType.ReadWrite, 4)
            .With(3, machine.Pages.At(Data) & ~7UL, BreakpointType.ReadWrite, 8);
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, watched);
        Assert.Equal(Vector, machine.See().Vector);
    }

    /// <summary>The pushes of INT n belong to the instruction, those of an interrupt to its delivery.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void E2_TheFrameOfAnInterruptIsWatched(bool isSoftware)
    {
        using SystemMachine machine = new(Start.Protected32, a => { if (isSoftware) { a.@int(Vector); } else { a.nop(); } });
        if (!isSoftware)
        {
            machine.Regs.Rflags |= Interrupt;
            machine.Cpu.Interrupt(Vector);
        }
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, DebugRegisters.Reset.With(1, Stack0 - 12, BreakpointType.Write, 4));
        VcpuExit exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Debug, 2UL, Handler(Vector)), (exit.Reason, exit.Debug.Dr6 & 0xF, exit.Debug.Pc));
        Assert.Equal(Vector, machine.See().Vector);
    }

    [Fact]
    public void E2_AStepThatPushesAWatchedFrameShowsBothBits()
    {
        using SystemMachine machine = new(Start.Protected32, a => { a.ud2(); a.nop(); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep | UseHardwareBreakpoints, DebugRegisters.Reset.With(0, Stack0 - 12, BreakpointType.Write, 4));
        VcpuExit exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Debug, 0xFFFF4FF1UL, Handler(6)), (exit.Reason, exit.Debug.Dr6, exit.Debug.Pc));
    }

    [Fact]
    public void E2_FarCallsAndReturnsAreWatched()
    {
        using SystemMachine machine = new(Start.Protected32, a => { a.call(Code32, (uint)Data); a.hlt(); });
        machine.Assemble(Data, a => a.retf());
        DebugRegisters breakpoints = DebugRegisters.Reset.With(2, Stack0 - 4, BreakpointType.ReadWrite, 4);
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, breakpoints);
        Assert.Equal((4UL, Data), (machine.Run().Debug.Dr6 & 0xF, machine.Exit.Debug.Pc));
        Assert.Equal((4UL, Origin + 7), (machine.Run().Debug.Dr6 & 0xF, machine.Exit.Debug.Pc));
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
    }

    [Fact]
    public void E5_AFrameThatTheGuestWatchesGivesItsException()
    {
        using SystemMachine machine = new(Start.Protected32, a => a.@int(Vector));
        machine.Cpu.DebugRegisters = DebugRegisters.Reset.With(1, Stack0 - 12, BreakpointType.Write, 4);
        Seen seen = machine.See();
        Assert.Equal((1, Handler(Vector)), (seen.Vector, seen.Rip));
    }

    [Fact]
    public void E5_AnExceptionThatWatchesItsOwnFrameReachesTheLimit()
    {
        using SystemMachine machine = new(Start.Long, a => a.@int(Vector));
        machine.SetGate(1, Gate(InterruptGate32, Code64, Handler(1), count: 1));
        machine.Cpu.DebugRegisters = DebugRegisters.Reset.With(0, Stack0 - 16, BreakpointType.Write, 8).With(1, InterruptStack - 16, BreakpointType.Write, 8);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run().Reason);
    }

    [Fact]
    public void E5_TheGuestsOwnBreakpointInLongModeGoesToItsHandler()
    {
        using SystemMachine machine = new(Start.Long, a => { a.mov(rbx, Data); a.mov(__byte_ptr[rbx], 1); a.nop(); });
        machine.Cpu.DebugRegisters = DebugRegisters.Reset.With(3, Data, BreakpointType.Write, 1);
        Seen seen = machine.See();
        Assert.Equal((1, machine.CodeEnd - 1), (seen.Vector, seen.Rip));
        Assert.Equal(0xFFFF0FF8UL, machine.Cpu.DebugRegisters.Dr6);
    }

    [Theory]
    [InlineData(BlockInterrupts, false)]
    [InlineData(None, true)]
    public void F8b_OfUserCodeInLongModeToo(GuestDebugFlags flags, bool lands)
    {
        using SystemMachine machine = new(Start.User64, a => { a.inc(eax); a.push(rax); a.pop(rbx); a.jmp(Origin); });
        machine.Assemble(Handler(0x40), a => a.iretq());
        machine.Regs.Rflags |= Interrupt;
        bool landed = false;
        for (int i = 0; i < 20; i++)
        {
            machine.Cpu.Interrupt(0x40);
            machine.Cpu.SetGuestDebug(Enable | SingleStep | flags);
            landed |= machine.Cpu.Run().Debug.Pc == Handler(0x40);
        }
        Assert.Equal(lands, landed);
    }
}
