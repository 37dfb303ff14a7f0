using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>Section D: software breakpoints.</summary>
public class SoftwareBreakpointTests
{
    const byte Int3 = 0xCC;

    [Fact]
    public void D1_Int3EndsTheRunAtTheInstruction()
    {
        using RealMachine machine = new(a => { a.nop(); a.int3(); a.hlt(); });
        machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints);
        VcpuExit exit = machine.Run();
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal(3, exit.Debug.Exception);
        Assert.Equal(RealMachine.Code + 1u, exit.Debug.Pc);
        Assert.Equal(RealMachine.Code + 1u, machine.Regs.Rip);
        Assert.Equal(RealMachine.Stack, machine.Regs.Rsp);
    }

    [Theory]
    [InlineData(None)]
    [InlineData(UseSoftwareBreakpoints)]
    [InlineData(Enable)]
    public void D1_WithoutTheFlagTheGuestGetsIt(GuestDebugFlags flags)
    {
        using RealMachine machine = new(a => { a.int3(); a.nop(); });
        machine.SetHandler(3, a => a.hlt());
        machine.Cpu.SetGuestDebug(flags);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 1, machine.Frame.Ip);
    }

    [Theory]
    [InlineData(new byte[] { 0xCD, 3 }, 3)]
    [InlineData(new byte[] { 0xF1 }, 1)]
    public void D1_IntNAndInt1AreNoBreakpoints(byte[] code, int vector)
    {
        using RealMachine machine = new(code);
        machine.SetHandler(vector, a => a.hlt());
        machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(machine.CodeEnd, machine.Frame.Ip);
    }

    [Fact]
    public void D2_RestoreStepAndPatchAgainIsSeenByTheNextInstruction()
    {
        using RealMachine machine = new(a => { a.inc(ax); a.jmp(RealMachine.Code); });
        byte original = machine.Read(RealMachine.Code, 1)[0];
        for (uint round = 1; round <= 5; round++)
        {
            machine.Write(RealMachine.Code, Int3);
            machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints);
            VcpuExit exit = machine.Run();
            Assert.Equal((ExitReason.Debug, 3), (exit.Reason, exit.Debug.Exception));
            machine.Write(RealMachine.Code, original);
            machine.StepsTo(RealMachine.Code + 1u, UseSoftwareBreakpoints);
            Assert.Equal(round, machine.Regs.Rax);
        }
    }

    [Fact]
    public void D3_InjectedAfterTheExitTheGuestReturnsBehindTheInt3()
    {
        using RealMachine machine = new(new byte[] { 0x66, Int3, 0x90 });
        machine.SetHandler(3, a => a.hlt());
        machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints);
        Assert.Equal(ExitReason.Debug, machine.Run().Reason);
        machine.Cpu.SetGuestDebug(Enable | UseSoftwareBreakpoints | InjectBreakpoint);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 2, machine.Frame.Ip);
    }
}
