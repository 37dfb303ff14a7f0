namespace FastVcpu.Tests.Embedding;

/// <summary>Devices by range, and port exits without them.</summary>
public sealed class DeviceTests
{
    /// <summary>Remembers what it is asked and answers with a counter.</summary>
    sealed class Recorder : IDevice
    {
        public List<string> Calls { get; } = [];

        public byte Next { get; set; } = 1;

        public Action? OnAccess { get; set; }

        public void Read(ulong offset, Span<byte> data)
        {
            Calls.Add($"read {offset:x} {data.Length}");
            Assert.True(data.IndexOfAnyExcept((byte)0) < 0);
            data.Fill(Next++);
            OnAccess?.Invoke();
        }

        public void Write(ulong offset, ReadOnlySpan<byte> data)
        {
            Calls.Add($"write {offset:x} {Convert.ToHexStringLower(data)}");
            OnAccess?.Invoke();
        }
    }

    [Fact]
    public void PortsGoToTheDeviceInWhoseRangeTheyBegin()
    {
        Recorder device = new();
        using RealMachine machine = new(a => { a.@in(al, 0x41); a.@out(0x40, ax); a.@in(ax, 0x43); a.hlt(); });
        machine.Vm.AttachPorts(0x40, 4, device);
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Hlt, 4L), (exit.Reason, exit.InstructionsRetired));
        Assert.Equal(["read 1 1", "write 0 0100", "read 3 2"], device.Calls);
        Assert.Equal(0x0202UL, machine.Regs.Rax);
    }

    [Fact]
    public void MemoryDevicesSeeReadsAndWritesOfAReadModifyWrite()
    {
        Recorder device = new();
        using RealMachine machine = new(a => { a.inc(__word_ptr[4]); a.hlt(); });
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = RealMachine.Size };
        machine.Vm.AttachMemory(RealMachine.Size, 0x100, device);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(["read 4 2", "write 4 0201"], device.Calls);
    }

    [Fact]
    public void StateIsExactInADeviceAndRequestsWorkFromIt()
    {
        using RealMachine machine = new(a => { a.nop(); a.@out(0x40, al); a.nop(); a.hlt(); });
        ulong rip = 0;
        Recorder device = new() { OnAccess = () => { rip = machine.Regs.Rip; machine.Cpu.RequestExit(); } };
        machine.Vm.AttachPorts(0x40, 1, device);
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Interrupted, 2L), (exit.Reason, exit.InstructionsRetired));
        Assert.Equal((RealMachine.Code + 1u, RealMachine.Code + 3u), (rip, machine.Regs.Rip));
    }

    [Fact]
    public void ADeviceThatThrowsLeavesTheInstructionUndone()
    {
        using RealMachine machine = new(a => { a.@out(0x40, al); a.hlt(); });
        Recorder device = new() { OnAccess = () => throw new InvalidOperationException() };
        machine.Vm.AttachPorts(0x40, 1, device);
        Assert.Throws<InvalidOperationException>(() => machine.Run());
        Assert.Equal(RealMachine.Code, machine.Regs.Rip);
        device.OnAccess = null;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(2, device.Calls.Count);
    }

    [Fact]
    public void ASystemEventEndsTheRunBehindTheAccess()
    {
        using RealMachine machine = new(a => { a.@out(0x40, al); a.hlt(); });
        machine.Vm.AttachPorts(0x40, 1, new Recorder { OnAccess = () => machine.Vm.RequestSystemEvent(SystemEventType.Reset, 5) });
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.SystemEvent, SystemEventType.Reset, 5UL), (exit.Reason, exit.SystemEvent, exit.Data));
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
    }

    [Fact]
    public void RangesThatOverlapOrDoNotFitAreRefused()
    {
        using VirtualMachine vm = new();
        Recorder device = new();
        vm.AttachPorts(0x40, 4, device);
        Assert.Throws<ArgumentException>(() => vm.AttachPorts(0x43, 1, device));
        Assert.Throws<ArgumentException>(() => vm.AttachPorts(0xFFFF, 2, device));
        Assert.Throws<ArgumentException>(() => vm.AttachPorts(0x50, 0, device));
        vm.AttachMemory(0x1000, 0x100, device);
        Assert.Throws<ArgumentException>(() => vm.AttachMemory(0x10FF, 1, device));
        Assert.Throws<ArgumentException>(() => vm.AttachMemory(ulong.MaxValue, 2, device));
        vm.Detach(device);
        vm.AttachPorts(0x43, 1, device);
    }

    [Fact]
    public void OutsAndInsCarryManyElementsInOneExit()
    {
        using RealMachine machine = new(a => { a.rep.outsw(); a.mov(cx, 3); a.rep.insb(); a.hlt(); });
        (machine.Regs.Rcx, machine.Regs.Rsi, machine.Regs.Rdi, machine.Regs.Rdx) = (2, RealMachine.Data, RealMachine.Data + 0x10, 0x1F0);
        machine.Write(RealMachine.Data, 1, 2, 3, 4);
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Io, (ushort)0x1F0, 2, 2, true), (exit.Reason, exit.Port, exit.Size, exit.Count, exit.IsWrite));
        Assert.Equal([1, 2, 3, 4], machine.Cpu.IoData.ToArray());
        exit = machine.Run();
        Assert.Equal((ExitReason.Io, 1, 3, false), (exit.Reason, exit.Size, exit.Count, exit.IsWrite));
        new byte[] { 7, 8, 9 }.CopyTo(machine.Cpu.IoData);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal([7, 8, 9], machine.Read(RealMachine.Data + 0x10, 3));
        Assert.Equal((0UL, RealMachine.Data + 4UL, RealMachine.Data + 0x13UL), (machine.Regs.Rcx, machine.Regs.Rsi, machine.Regs.Rdi));
    }

    [Fact]
    public void BackwardStringsCarryTheFirstElementFirst()
    {
        using RealMachine machine = new(a => { a.std(); a.rep.outsb(); a.hlt(); });
        (machine.Regs.Rcx, machine.Regs.Rsi) = (3, RealMachine.Data + 2);
        machine.Write(RealMachine.Data, 1, 2, 3);
        machine.Run();
        Assert.Equal([3, 2, 1], machine.Cpu.IoData.ToArray());
    }
}
