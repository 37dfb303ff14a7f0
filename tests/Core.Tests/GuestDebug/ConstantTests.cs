namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section A: constants.</summary>
public class ConstantTests
{
    [Fact]
    public void A1_ControlBitsHaveTheValuesOfKvm()
    {
        Assert.Equal(0x1u, (uint)GuestDebugFlags.Enable);
        Assert.Equal(0x2u, (uint)GuestDebugFlags.SingleStep);
        Assert.Equal(0x10000u, (uint)GuestDebugFlags.UseSoftwareBreakpoints);
        Assert.Equal(0x20000u, (uint)GuestDebugFlags.UseHardwareBreakpoints);
        Assert.Equal(0x40000u, (uint)GuestDebugFlags.InjectDebug);
        Assert.Equal(0x80000u, (uint)GuestDebugFlags.InjectBreakpoint);
        Assert.Equal(0x100000u, (uint)GuestDebugFlags.BlockInterrupts);
    }

    [Fact]
    public void A2_TheCapabilityQueryReturnsTheSupportedBits() => Assert.Equal(0x1F0003u, (uint)Vcpu.SupportedGuestDebug);

    [Fact]
    public void A3_ADebugExitCarriesExceptionLinearPcDr6AndDr7()
    {
        using RealMachine machine = new(a => { a.nop(); a.nop(); });
        machine.Cpu.Segments.SetReal(1, 0x10);
        machine.Regs.Rip = RealMachine.Code - 0x100;
        VcpuExit exit = machine.Step();
        Assert.Equal(new DebugExit(1, RealMachine.Code + 1, 0xFFFF4FF0, 0x400), exit.Debug);
        Assert.Equal(RealMachine.Code - 0x100 + 1u, machine.Regs.Rip);
    }

    [Fact]
    public void A4_Dr6AndDr7AfterReset()
    {
        using RealMachine machine = new(a => a.nop());
        Assert.Equal(0xFFFF0FF0UL, machine.Cpu.DebugRegisters.Dr6);
        Assert.Equal(0x400UL, machine.Cpu.DebugRegisters.Dr7);
    }
}
