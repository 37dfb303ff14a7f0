namespace FastVcpu.Tests.Fuzzing;

/// <summary>What random machines have found, one test each.</summary>
public sealed class MachineFindingTests
{
    const ushort Segment = 0x2000;

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void CodeRunsIntoTheLimitAt64KiB(int most)
    {
        using RealMachine machine = AtTheEnd(CpuModel.Max);
        machine.Run(1);
        Assert.Equal(0x10000u, machine.Regs.Rip);
        machine.SetHandler(Guest.GeneralProtection, a => a.hlt());
        Assert.Equal(ExitReason.Hlt, RunInPieces(machine, most));
        Assert.Equal(((ushort)0, Segment), (machine.Frame.Ip, machine.Frame.Cs));
        Assert.Equal(RealMachine.Handler(Guest.GeneralProtection) + 1, machine.Regs.Rip);
    }

    [Fact]
    public void InASegmentWithAGreaterLimitItGoesOn()
    {
        using RealMachine machine = AtTheEnd(CpuModel.I386);
        machine.Cpu.Segments.Cs = machine.Cpu.Segments.Cs with { Limit = uint.MaxValue };
        machine.Write((Segment << 4) + 0x10000, 0x90, 0xF4);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0x10002u, machine.Regs.Rip);
    }

    [Theory]
    [InlineData("80286", 0x2000)]
    [InlineData("8086", 0x2000)]
    [InlineData("8086", 0x2001)]
    public void BeforeThe386ItBeginsAgain(string model, ushort segment)
    {
        using RealMachine machine = AtTheEnd(CpuModel.Find(model)!, segment);
        machine.Write((ulong)segment << 4, 0xF4);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(1u, machine.Regs.Rip);
    }

    [Fact]
    public void WhatLiesBeyondTheLimitIsNotFetched()
    {
        // The first byte of a MOV, and no memory behind it.
        using RealMachine machine = new([0xF4]);
        machine.SetHandler(Guest.GeneralProtection, a => a.hlt());
        machine.Write(RealMachine.Size - 1, 0xB8);
        machine.Cpu.Segments.SetReal(1, 0xF000);
        machine.Regs.Rip = 0xFFFF;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0xFFFF, machine.Frame.Ip);
    }

    [Theory]
    [InlineData("80286")]
    [InlineData("max")]
    public void AStringWritesEachByteToADevice(string model)
    {
        using RealMachine machine = new([0xF3, 0xAA, 0xF4], CpuModel.Find(model));
        machine.Cpu.Segments.SetReal(0, 0xFFFF);
        (machine.Regs.Rdi, machine.Regs.Rcx) = (0x10, 3);
        for (ulong i = 0; i < 3; i++)
        {
            VcpuExit exit = machine.Run();
            Assert.Equal((ExitReason.Mmio, RealMachine.Size + i), (exit.Reason, exit.Address));
        }
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((0x13u, 0u), (machine.Regs.Rdi, machine.Regs.Rcx));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void AStringThatWritesOverItselfGoesOnWithWhatItHasWritten(int most)
    {
        // rep stosb over its own last byte: the first element makes it REP HLT.
        using RealMachine machine = new([0xF3, 0xAA]);
        machine.Regs.Rax = 0xF4;
        (machine.Regs.Rdi, machine.Regs.Rcx) = (RealMachine.Code + 1, 1000);
        Assert.Equal(ExitReason.Hlt, RunInPieces(machine, most));
        Assert.Equal((RealMachine.Code + 2u, 999u), (machine.Regs.Rip, machine.Regs.Rcx));
    }

    [Fact]
    public void AnAlignmentCheckThatItsOwnDeliveryRaisesEndsTheProcessor()
    {
        const ulong Gdt = 0xA000, Idt = 0xB000;
        const int AlignmentCheck = 17;
        // push ax, at level 3, where the handler is, too.
        using RealMachine machine = new([0x50]);
        machine.Write(Gdt + 0x18, 0xFF, 0xFF, 0, 0, 0, 0xFB, 0, 0);
        machine.Write(Idt + 8 * AlignmentCheck, 0, 0x30, 0x1B, 0, 0, 0xE6, 0, 0);
        SystemRegisters system = machine.Cpu.SystemRegisters;
        machine.Cpu.SystemRegisters = system with
        {
            Cr0 = system.Cr0 | 0x40001,
            Gdt = new TableRegister(Gdt, 0xFF),
            Idt = new TableRegister(Idt, 0xFF),
            Cs = system.Cs with { Selector = 0x1B, Attributes = 0xFB },
            Ss = system.Ss with { Selector = 0x23, Attributes = 0xF3 },
        };
        machine.Regs.Rflags |= 1 << 18;
        machine.Regs.Rsp = RealMachine.Stack - 1;
        Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
    }

    [Fact]
    public void ADoubleFaultPushesTheResumeFlagAsMeasuredOnHardware()
    {
        const ulong Gdt = 0xA000, Idt = 0xB000;
        const int DoubleFault = 8;
        const uint ResumeFlag = 1 << 16;
        // mov ds, ax with a selector beyond the table; there is no gate for its #GP.
        using RealMachine machine = new([0x8E, 0xD8]);
        machine.Write(Gdt + 8, 0xFF, 0xFF, 0, 0, 0, 0x9B, 0, 0);
        machine.Write(Idt + 8 * DoubleFault, 0, 0x30, 8, 0, 0, 0x8E, 0, 0);
        machine.Write(0x3000, 0xF4);
        SystemRegisters system = machine.Cpu.SystemRegisters;
        machine.Cpu.SystemRegisters = system with { Cr0 = system.Cr0 | 1, Gdt = new TableRegister(Gdt, 0xF), Idt = new TableRegister(Idt, 0xFF), Cs = system.Cs with { Selector = 8 } };
        machine.Regs.Rax = 0x100;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(ResumeFlag, BitConverter.ToUInt32(machine.Read(machine.Regs.Rsp + 12, 4)) & ResumeFlag);
    }

    [Theory]
    [InlineData("80286", 0xFFFFu)]
    [InlineData("386", 0x1FFFFu)]
    public void The80286DoesNotLookAtTheLastWordOfADescriptor(string model, uint limit)
    {
        // mov ds, ax
        using RealMachine machine = new([0x8E, 0xD8], CpuModel.Find(model));
        machine.Write(RealMachine.Data + 8, 0xFF, 0xFF, 0, 0, 0, 0x93, 0x01, 0);
        SystemRegisters system = machine.Cpu.SystemRegisters;
        machine.Cpu.SystemRegisters = system with { Cr0 = system.Cr0 | 1, Gdt = new TableRegister(RealMachine.Data, 0xF) };
        machine.Regs.Rax = 8;
        machine.Run(1);
        Assert.Equal(limit, machine.Cpu.Segments.Ds.Limit);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void AnExceptionForgetsWhatADeviceHasAnswered(int most)
    {
        // div word ptr es:[10h], by the zero that a device gives; the handler reads another register of it.
        using RealMachine machine = new([0x26, 0xF7, 0x36, 0x10, 0x00]);
        machine.Cpu.Segments.SetReal(0, 0xFFFF);
        machine.Write(RealMachine.Handler(0), 0x26, 0xA1, 0x20, 0x00, 0xF4);
        Assert.Equal(ExitReason.Mmio, RunInPieces(machine, most));
        machine.Cpu.MmioData.Clear();
        Assert.Equal(ExitReason.Mmio, RunInPieces(machine, most));
        machine.Cpu.MmioData.Fill(0x11);
        Assert.Equal(ExitReason.Hlt, RunInPieces(machine, most));
        Assert.Equal(0x1111u, machine.Regs.Rax);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void AnExceptionOfAnInstructionThatHasReadADeviceIsHandledInTheHandlersMode(int most)
    {
        // ret, in virtual-8086 mode, to beyond the segment, from a stack where no memory is.
        using SystemMachine machine = new(Start.Virtual8086, [0x66, 0xC3]);
        machine.Cpu.Segments.SetReal(2, 0xFFFF);
        machine.Cpu.Segments.Ss = machine.Cpu.Segments.Ss with { Base = 0x800000, Attributes = 0xF3 };
        // mov eax, 12345678h; hlt. In 16 bits it is another instruction.
        machine.Write(SystemMachine.Handler(Guest.GeneralProtection), 0xB8, 0x78, 0x56, 0x34, 0x12, 0xF4);
        VcpuExit exit = machine.Run(most);
        Assert.Equal(ExitReason.Mmio, exit.Reason);
        machine.Cpu.MmioData.Fill(0x77);
        while (machine.Run(most).Reason == ExitReason.InstructionLimit)
        {
        }
        Assert.Equal((ExitReason.Hlt, 0x12345678ul), (machine.Exit.Reason, machine.Regs.Rax));
    }

    /// <summary>A NOP is the last byte of the code segment.</summary>
    static RealMachine AtTheEnd(CpuModel model, ushort segment = Segment)
    {
        RealMachine machine = new([0xF4], model);
        machine.Write(((ulong)segment << 4) + 0xFFFF, 0x90);
        machine.Cpu.Segments.SetReal(1, segment);
        machine.Regs.Rip = 0xFFFF;
        return machine;
    }

    static ExitReason RunInPieces(RealMachine machine, int most)
    {
        VcpuExit exit;
        do
        {
            exit = machine.Run(most);
        }
        while (exit.Reason == ExitReason.InstructionLimit);
        return exit.Reason;
    }
}
