using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section B: SET_GUEST_DEBUG.</summary>
public class SetGuestDebugTests
{
    static readonly DebugRegisters None = DebugRegisters.Reset;

    [Fact]
    public void B1_InjectionIsRefusedWhileAnExceptionIsPendingAndNothingChanges()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.Cpu.SetGuestDebug(InjectDebug);
        Assert.Throws<InvalidOperationException>(() => machine.Cpu.SetGuestDebug(Enable | SingleStep | InjectBreakpoint));
        Assert.Equal(1, machine.Cpu.Events.Exception.Vector);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(1).Reason);
        machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsInjected = true, Vector = 6 } };
        Assert.Throws<InvalidOperationException>(() => machine.Cpu.SetGuestDebug(InjectDebug));
    }

    [Fact]
    public void B1_InjectionIsRefusedWhileAnExceptionHasBegunToBeDelivered()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsInjected = true, Vector = 6 } };
        Assert.Throws<InvalidOperationException>(() => machine.Cpu.SetGuestDebug(InjectDebug));
        machine.StepsTo(RealMachine.Handler(6));
    }

    [Fact]
    public void B1_WithBothBitsTheDebugExceptionIsInjected()
    {
        using RealMachine machine = new(a => a.nop());
        machine.Cpu.SetGuestDebug(InjectDebug | InjectBreakpoint);
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        machine.Run();
        Assert.Equal(RealMachine.Handler(1), machine.Regs.Rip);
    }

    [Theory]
    [InlineData(None_)]
    [InlineData(Enable | SingleStep)]
    [InlineData(Enable | UseSoftwareBreakpoints | UseHardwareBreakpoints)]
    public void B1_TheInjectedExceptionIsDeliveredBeforeTheFirstInstruction(GuestDebugFlags flags)
    {
        using RealMachine machine = new(a => a.nop());
        machine.SetHandler(1, a => a.hlt());
        machine.Cpu.SetGuestDebug(flags | InjectDebug);
        VcpuExit exit = machine.Run();
        Assert.Equal(RealMachine.Code, machine.Frame.Ip);
        Assert.Equal(0xFFFF0FF0UL, machine.Cpu.DebugRegisters.Dr6);
        Assert.Equal((flags & SingleStep) != 0 ? ExitReason.Debug : ExitReason.Hlt, exit.Reason);
    }

    const GuestDebugFlags None_ = GuestDebugFlags.None;

    [Fact]
    public void B1_SettingTheRegistersCancelsTheInjection()
    {
        using RealMachine machine = new(a => { a.nop(); a.hlt(); });
        machine.Cpu.SetGuestDebug(InjectDebug);
        machine.Regs.Rip = machine.Regs.Rip;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Stack, machine.Regs.Rsp);
    }

    [Theory]
    [InlineData(SingleStep)]
    [InlineData(BlockInterrupts)]
    [InlineData(SingleStep | BlockInterrupts | UseSoftwareBreakpoints)]
    public void B2_WithoutEnableTheOtherBitsAreDropped(GuestDebugFlags flags)
    {
        using RealMachine machine = new(a => { a.sti(); a.nop(); a.nop(); a.hlt(); });
        machine.SetHandler(0x40, a => a.hlt());
        machine.Cpu.SetGuestDebug(flags);
        machine.Cpu.Interrupt(0x40);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Handler(0x40) + 1, machine.Regs.Rip);
    }

    [Fact]
    public void B3_TheGuestSeesItsOwnDebugRegisters()
    {
        using RealMachine machine = new(a => { a.mov(eax, dr0); a.mov(ecx, 0x1234); a.mov(dr1, ecx); a.nop(); a.hlt(); });
        machine.Cpu.DebugRegisters = None with { Dr0 = 0x5555 };
        DebugRegisters breakpoints = None.With(0, machine.CodeEnd - 1, BreakpointType.Execute);
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, breakpoints);
        VcpuExit exit = machine.Run();
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal(machine.CodeEnd - 1, machine.Regs.Rip);
        Assert.Equal(0x5555UL, machine.Regs.Rax);
        Assert.Equal(None with { Dr0 = 0x5555, Dr1 = 0x1234 }, machine.Cpu.DebugRegisters);
    }

    [Fact]
    public void B3_WithoutUseHwBpTheGuestsOwnAreInForce()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); a.hlt(); });
        machine.SetHandler(1, a => a.hlt());
        machine.Cpu.DebugRegisters = None.With(0, RealMachine.Code + 1, BreakpointType.Execute);
        machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, None);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(machine.CodeEnd, machine.Regs.Rip);
        machine.Regs.Rip = RealMachine.Code;
        machine.Cpu.SetGuestDebug(Enable);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Handler(1) + 1, machine.Regs.Rip);
    }

    [Fact]
    public void B4_ANewCallReplacesTheSettingAndLeavesNoTraceInRflags()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); a.pushf(); a.pop(ax); a.hlt(); });
        machine.StepsTo(RealMachine.Code + 1);
        Assert.Equal(2UL, machine.Regs.Rflags);
        machine.Cpu.SetGuestDebug(Enable);
        Assert.Equal(2UL, machine.Regs.Rflags);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(2UL, machine.Regs.Rax);
    }

    [Fact]
    public void B5_UnknownBitsAreRefusedByName()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.Cpu.SetGuestDebug(Enable | SingleStep);
        ArgumentException error = Assert.Throws<ArgumentException>(() => machine.Cpu.SetGuestDebug((GuestDebugFlags)0x200005));
        Assert.Contains("200004h", error.Message);
        Assert.Equal(ExitReason.Debug, machine.Cpu.Run().Reason);
    }

    [Theory]
    [InlineData(0x800000000000, 0x402)]
    [InlineData(0x1000, 0x802)]
    [InlineData(0x1000, 0x1_0000_0402)]
    [InlineData(0x1000, 0x4402)]
    public void B5_BadAddressesAndReservedBitsAreRefused(ulong address, ulong dr7)
    {
        using RealMachine machine = new(a => { a.nop(); a.hlt(); });
        Assert.Throws<ArgumentException>(() => machine.Cpu.SetGuestDebug(Enable | UseHardwareBreakpoints, None with { Dr0 = address, Dr7 = dr7 }));
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
    }
}
