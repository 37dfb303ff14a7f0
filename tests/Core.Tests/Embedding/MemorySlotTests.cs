namespace FastVcpu.Tests.Embedding;

/// <summary>Memory slots: read-only, dirty log, removal; and G10, G11 of the run interface.</summary>
public sealed class MemorySlotTests
{
    const ulong Far = 0x100000;

    /// <summary>DS begins behind the machine's memory.</summary>
    static RealMachine WithFarData(Action<Iced.Intel.Assembler> code)
    {
        RealMachine machine = new(code);
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = Far };
        return machine;
    }

    [Fact]
    public void G11_TheDirtyLogHasThePagesWrittenSinceTheLastGet()
    {
        using RealMachine machine = WithFarData(a => { a.mov(__byte_ptr[0x1000], 1); a.mov(__word_ptr[0x2FFF], 1); a.hlt(); });
        machine.Vm.AllocateMemory(1, Far, 0x10000, MemorySlotOptions.LogDirtyPages);
        for (int round = 0; round < 3; round++)
        {
            machine.Regs.Rip = RealMachine.Code;
            machine.Run();
            Assert.Equal([0b1110, 0], machine.Vm.GetDirtyLog(1));
            Assert.Equal([0, 0], machine.Vm.GetDirtyLog(1));
        }
    }

    [Fact]
    public void G11_WritesOfTheEmbedderAreNotTheGuests()
    {
        using RealMachine machine = WithFarData(a => a.hlt());
        machine.Vm.AllocateMemory(1, Far, 0x10000, MemorySlotOptions.LogDirtyPages);
        machine.Write(Far + 0x3000, 1);
        Assert.Equal([0, 0], machine.Vm.GetDirtyLog(1));
    }

    [Fact]
    public void G11_PushesAndStringsAreLogged()
    {
        using RealMachine machine = new(a => { a.push(ax); a.mov(cx, 0x1800); a.mov(di, RealMachine.Data); a.rep.stosb(); a.hlt(); });
        machine.Vm.SetMemoryOptions(0, MemorySlotOptions.LogDirtyPages);
        machine.Run();
        byte[] log = machine.Vm.GetDirtyLog(0);
        Assert.Equal([7, 9, 10], Enumerable.Range(0, 256).Where(page => (log[page / 8] >> (page % 8) & 1) != 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void G11_UnknownSlotsAreRefused(int slot)
    {
        using RealMachine machine = new(a => a.hlt());
        Assert.Throws<ArgumentException>(() => machine.Vm.GetDirtyLog(slot));
        Assert.Throws<ArgumentException>(() => machine.Vm.SetMemoryOptions(9, MemorySlotOptions.None));
        Assert.Throws<ArgumentException>(() => machine.Vm.SetMemoryOptions(0, (MemorySlotOptions)4));
    }

    [Fact]
    public void WritesToReadOnlySlotsAreMmioExitsAndReadsAreMemory()
    {
        using RealMachine machine = WithFarData(a => { a.inc(__byte_ptr[0x10]); a.hlt(); });
        machine.Vm.MapMemory(1, Far, new byte[0x1000], MemorySlotOptions.ReadOnly);
        machine.Write(Far + 0x10, 0x41);
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Mmio, true, Far + 0x10, 1), (exit.Reason, exit.IsWrite, exit.Address, exit.Size));
        Assert.Equal(0x42, machine.Cpu.MmioData[0]);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0x41, machine.Read(Far + 0x10, 1)[0]);
    }

    [Fact]
    public void ARemovedSlotIsGoneForRunningCode()
    {
        using RealMachine machine = WithFarData(a => { a.mov(al, __byte_ptr[0]); a.jmp(RealMachine.Code); });
        machine.Vm.AllocateMemory(1, Far, 0x1000);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(100).Reason);
        machine.Vm.RemoveMemory(1);
        Assert.Equal(ExitReason.Mmio, machine.Run(100).Reason);
        machine.Vm.AllocateMemory(1, Far, 0x1000);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(100).Reason);
    }

    [Fact]
    public void AnOperandAcrossMemoryAndADeviceIsReadFromBoth()
    {
        using RealMachine machine = WithFarData(a => { a.add(__dword_ptr[0xFFE], eax); a.hlt(); });
        machine.Vm.AllocateMemory(1, Far, 0x1000);
        machine.Write(Far + 0xFFE, 0x11, 0x22);
        machine.Regs.Rax = 0x01010101;
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Mmio, false, Far + 0x1000, 2), (exit.Reason, exit.IsWrite, exit.Address, exit.Size));
        new byte[] { 0x33, 0x44 }.CopyTo(machine.Cpu.MmioData);
        exit = machine.Run();
        Assert.Equal((ExitReason.Mmio, true, Far + 0x1000, 2), (exit.Reason, exit.IsWrite, exit.Address, exit.Size));
        Assert.Equal([0x34, 0x45], machine.Cpu.MmioData.ToArray());
        Assert.Equal([0x11, 0x22], machine.Read(Far + 0xFFE, 2));
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal([0x12, 0x23], machine.Read(Far + 0xFFE, 2));
    }

    [Fact]
    public void OperandsOfMoreThanEightBytesTakeSeveralExits()
    {
        using RealMachine machine = WithFarData(a => { a.mov(ecx, cr4); a.or(cx, 0x200); a.mov(cr4, ecx); a.movups(xmm0, __xmmword_ptr[0]); a.hlt(); });
        for (int i = 0; i < 2; i++)
        {
            VcpuExit exit = machine.Run();
            Assert.Equal((ExitReason.Mmio, Far + (ulong)i * 8, 8), (exit.Reason, exit.Address, exit.Size));
            machine.Cpu.MmioData.Fill((byte)(i + 1));
        }
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2], machine.Cpu.VectorRegister(0)[..16].ToArray());
    }

    [Fact]
    public void AStringMoveFromADeviceIsOneExitForEachElement()
    {
        using RealMachine machine = WithFarData(a => { a.rep.movsb(); a.hlt(); });
        (machine.Regs.Rcx, machine.Regs.Rsi, machine.Regs.Rdi) = (3, 0, RealMachine.Data);
        for (byte i = 0; i < 3; i++)
        {
            VcpuExit exit = machine.Run();
            Assert.Equal((ExitReason.Mmio, Far + i), (exit.Reason, exit.Address));
            machine.Cpu.MmioData[0] = (byte)(i + 7);
        }
        VcpuExit last = machine.Run();
        Assert.Equal((ExitReason.Hlt, 2L), (last.Reason, last.InstructionsRetired));
        Assert.Equal([7, 8, 9], machine.Read(RealMachine.Data, 3));
    }

    [Fact]
    public void G10_WithoutPagingEveryAddressTranslatesToItself()
    {
        using RealMachine machine = new(a => a.hlt());
        Assert.Equal(new LinearTranslation(0x12345678, true, true, true), machine.Cpu.Translate(0x12345678));
        Assert.False(machine.Cpu.Translate(1UL << 60).IsValid);
    }
}
