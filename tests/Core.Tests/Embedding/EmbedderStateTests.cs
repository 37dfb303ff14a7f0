namespace FastVcpu.Tests.Embedding;

/// <summary>State that the embedder gets, sets, and answers for.</summary>
public sealed class EmbedderStateTests
{
    const ulong ProtectionEnable = 1, Paging = 1UL << 31, Pae = 1 << 5, LongModeEnable = 1 << 8, LongModeActive = 1 << 10;

    [Theory]
    [InlineData(Paging, 0UL, 0UL)]
    [InlineData(1UL << 32, 0UL, 0UL)]
    [InlineData(ProtectionEnable, 1UL << 60, 0UL)]
    [InlineData(ProtectionEnable | Paging, 0UL, LongModeEnable | LongModeActive)]
    [InlineData(ProtectionEnable | Paging, Pae, LongModeEnable)]
    [InlineData(ProtectionEnable, Pae, LongModeActive)]
    [InlineData(ProtectionEnable, 0UL, 1UL << 40)]
    public void G5_SystemRegistersThatDoNotFitEachOtherAreRefused(ulong cr0, ulong cr4, ulong efer)
    {
        using RealMachine machine = new(a => a.hlt());
        SystemRegisters before = machine.Cpu.SystemRegisters;
        Assert.Throws<ArgumentException>(() => machine.Cpu.SystemRegisters = before with { Cr0 = cr0, Cr4 = cr4, Efer = efer });
        Assert.Equal(before, machine.Cpu.SystemRegisters);
    }

    [Fact]
    public void SystemRegistersRoundTrip()
    {
        using RealMachine machine = new(a => a.hlt());
        SystemRegisters registers = machine.Cpu.SystemRegisters with
        {
            Cr0 = ProtectionEnable | 0x10,
            Cr2 = 0x1234,
            Cr3 = 0x5000,
            Cr8 = 7,
            Gdt = new TableRegister(0x100, 0x27),
            Idt = new TableRegister(0x200, 0x7FF),
            Cs = new SegmentRegister { Selector = 8, Limit = uint.MaxValue, Attributes = 0xC09B },
            Tr = new SegmentRegister { Selector = 0x18, Base = 0x6000, Limit = 0x67, Attributes = 0x8B },
        };
        machine.Cpu.SystemRegisters = registers;
        Assert.Equal(registers, machine.Cpu.SystemRegisters);
        Assert.Throws<ArgumentException>(() => machine.Cpu.SystemRegisters = registers with { Cr8 = 16 });
    }

    [Fact]
    public void ProtectedModeSetByTheEmbedderRuns()
    {
        using RealMachine machine = new(Guest.Assemble(32, a => { a.mov(eax, 0x12345678); a.hlt(); }, RealMachine.Code));
        SegmentRegister data = new() { Selector = 0x10, Limit = uint.MaxValue, Attributes = 0xC093 };
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with
        {
            Cr0 = ProtectionEnable | 0x10,
            Cs = new SegmentRegister { Selector = 8, Limit = uint.MaxValue, Attributes = 0xC09B },
            Ss = data,
            Ds = data,
            Es = data,
        };
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(0x12345678UL, machine.Regs.Rax);
    }

    [Fact]
    public void AStateThatCannotBeFailsAtEntry()
    {
        using RealMachine machine = new(a => a.hlt());
        SegmentRegister code = new() { Selector = 8, Limit = uint.MaxValue, Attributes = 0xA09B };
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with
        {
            Cr0 = ProtectionEnable | Paging | 0x10,
            Cr4 = Pae,
            Efer = LongModeEnable | LongModeActive,
            Cs = code with { Attributes = 0xE09B },
        };
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.FailEntry, 0x80000021UL), (exit.Reason, exit.Data));
        Assert.Equal(ExitReason.FailEntry, machine.Run().Reason);
        machine.Cpu.Segments.Cs = code;
        Assert.NotEqual(ExitReason.FailEntry, machine.Run().Reason);
    }

    [Fact]
    public void UnknownMsrsAreTheEmbeddersWhenItAsksForThem()
    {
        using RealMachine machine = new(a => { a.mov(ecx, 0x4000_0000); a.rdmsr(); a.mov(esi, eax); a.mov(edi, edx); a.wrmsr(); a.hlt(); });
        machine.SetHandler(13, a => a.hlt());
        machine.Cpu.MsrExits = MsrExitReasons.Unknown;
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.ReadMsr, 0x4000_0000u), (exit.Reason, exit.MsrIndex));
        machine.Cpu.MsrData = 0x11111111_22222222;
        exit = machine.Run();
        Assert.Equal((ExitReason.WriteMsr, 0x4000_0000u, 0x11111111_22222222UL), (exit.Reason, exit.MsrIndex, exit.Data));
        Assert.Equal((0x22222222UL, 0x11111111UL), (machine.Regs.Rsi, machine.Regs.Rdi));
        machine.Cpu.MsrFails = true;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Handler(13) + 1, machine.Regs.Rip);
    }

    [Fact]
    public void WithoutThatTheyAreGeneralProtection()
    {
        using RealMachine machine = new(a => { a.mov(ecx, 0x4000_0000); a.rdmsr(); });
        machine.SetHandler(13, a => a.hlt());
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal(RealMachine.Code + 6, machine.Frame.Ip);
    }

    [Fact]
    public void FilteredMsrsAreTheEmbeddersAlthoughTheyExist()
    {
        using RealMachine machine = new(a => { a.mov(ecx, 0x174); a.rdmsr(); a.hlt(); });
        machine.Cpu.MsrExits = MsrExitReasons.Filter;
        machine.Cpu.MsrFilter.Add(0x174);
        Assert.Equal(ExitReason.ReadMsr, machine.Run().Reason);
        machine.Cpu.MsrFilter.Clear();
        machine.Cpu.MsrData = 0x99;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
    }

    [Fact]
    public void MsrsAreGetAndSet()
    {
        using RealMachine machine = new(a => a.hlt());
        Assert.Contains(0x174u, machine.Cpu.MsrIndices);
        Assert.True(machine.Cpu.TrySetMsr(0x174, 0x1234));
        Assert.True(machine.Cpu.TryGetMsr(0x174, out ulong value));
        Assert.Equal(0x1234UL, value);
        Assert.False(machine.Cpu.TryGetMsr(0x4000_0000, out _));
        Assert.False(machine.Cpu.TrySetMsr(0x4000_0000, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void HypercallsAreTheEmbeddersWhenItAsksForThem(bool isIntel)
    {
        using RealMachine machine = new(a =>
        {
            a.mov(ax, 5);
            if (isIntel)
            {
                a.vmcall();
            }
            else
            {
                a.vmmcall();
            }
            a.hlt();
        });
        machine.SetHandler(6, a => a.hlt());
        machine.Cpu.ExitsOnHypercall = true;
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.Hypercall, 5UL), (exit.Reason, exit.Data));
        machine.Cpu.HypercallResult = 77;
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
        Assert.Equal((77UL, machine.CodeEnd), (machine.Regs.Rax, machine.Regs.Rip));
        machine.Regs.Rip = RealMachine.Code;
        machine.Cpu.ExitsOnHypercall = false;
        machine.Run();
        Assert.Equal(RealMachine.Handler(6) + 1, machine.Regs.Rip);
    }

    [Fact]
    public void CpuidIsReplaced()
    {
        using RealMachine machine = new(a => { a.mov(eax, 0x4000_0000); a.cpuid(); a.hlt(); });
        machine.Cpu.SetCpuid([new CpuidEntry(0x4000_0000, null, 1, 2, 3, 4), new CpuidEntry(4, 1, 5, 6, 7, 8)]);
        machine.Run();
        Assert.Equal((1UL, 2UL, 3UL, 4UL), (machine.Regs.Rax, machine.Regs.Rbx, machine.Regs.Rcx, machine.Regs.Rdx));
        Assert.Equal(new CpuidEntry(4, 1, 5, 6, 7, 8), machine.Cpu.GetCpuid(4, 1));
        Assert.Equal(new CpuidEntry(4, 0, 0, 0, 0, 0), machine.Cpu.GetCpuid(4));
        machine.Cpu.SetCpuid(null);
        Assert.NotEqual(0u, machine.Cpu.GetCpuid(0).Ebx);
    }

    [Fact]
    public void CpuidTellsHowWideLinearAddressesCanBe()
    {
        using VirtualMachine vm = new();
        Assert.Equal(57u << 8 | 48, vm.CreateVcpu(CpuModel.Max).GetCpuid(0x80000008).Eax & 0xFFFF);
        Assert.Equal(48u << 8 | 48, vm.CreateVcpu(CpuModel.X86_64_V3).GetCpuid(0x80000008).Eax & 0xFFFF);
    }

    [Theory]
    [InlineData(3UL, true)]
    [InlineData(0UL, false)]
    [InlineData(5UL, false)]
    [InlineData(1UL << 40, false)]
    public void Xcr0TakesWhatTheModelHas(ulong value, bool isTaken)
    {
        using RealMachine machine = new(a => a.hlt());
        if (isTaken)
        {
            machine.Cpu.Xcr0 = value;
            Assert.Equal(value, machine.Cpu.Xcr0);
        }
        else
        {
            Assert.Throws<ArgumentException>(() => machine.Cpu.Xcr0 = value);
        }
    }

    [Fact]
    public void LoweringCr8EndsTheRun()
    {
        using RealMachine machine = new(Guest.Assemble(64, a => { a.mov(cr8, rax); a.mov(cr8, rbx); a.hlt(); }, RealMachine.Code));
        LongMode(machine);
        (machine.Regs.Rax, machine.Regs.Rbx) = (9, 3);
        VcpuExit exit = machine.Run();
        Assert.Equal((ExitReason.SetTpr, 2L), (exit.Reason, exit.InstructionsRetired));
        Assert.Equal(3UL, machine.Cpu.Cr8);
        Assert.Equal(ExitReason.Hlt, machine.Run().Reason);
    }

    [Fact]
    public void AStepOverAnExitThatHasRetiredIsReportedAtTheNextRun()
    {
        using RealMachine machine = new(Guest.Assemble(64, a => { a.mov(cr8, rbx); a.inc(eax); }, RealMachine.Code));
        LongMode(machine);
        machine.Cpu.Cr8 = 5;
        Assert.Equal(ExitReason.SetTpr, machine.Step().Reason);
        VcpuExit exit = machine.Cpu.Run();
        Assert.Equal((ExitReason.Debug, 0L), (exit.Reason, exit.InstructionsRetired));
        Assert.Equal(0UL, machine.Regs.Rax);
    }

    [Fact]
    public void MpStateIsRunnableWithoutAControllerInTheCore()
    {
        using RealMachine machine = new(a => a.hlt());
        machine.Cpu.MpState = MpState.Runnable;
        Assert.Throws<ArgumentException>(() => machine.Cpu.MpState = MpState.Halted);
    }

    /// <summary>Long mode with the first 2 MiB mapped to themselves.</summary>
    static void LongMode(RealMachine machine)
    {
        const int Tables = 0x40000;
        machine.Write(Tables, BitConverter.GetBytes(Tables + 0x1003UL));
        machine.Write(Tables + 0x1000, BitConverter.GetBytes(Tables + 0x2003UL));
        machine.Write(Tables + 0x2000, BitConverter.GetBytes(0x83UL));
        SegmentRegister data = new() { Selector = 0x10, Limit = uint.MaxValue, Attributes = 0xC093 };
        machine.Cpu.SystemRegisters = machine.Cpu.SystemRegisters with
        {
            Cr0 = ProtectionEnable | Paging | 0x10,
            Cr3 = Tables,
            Cr4 = Pae,
            Efer = LongModeEnable | LongModeActive,
            Cs = new SegmentRegister { Selector = 8, Limit = uint.MaxValue, Attributes = 0xA09B },
            Ss = data,
            Ds = data,
            Es = data,
        };
    }

    [Fact]
    public void G10_TranslateWalksThePageTablesWithoutMarkingThem()
    {
        using RealMachine machine = new(a => a.hlt());
        LongMode(machine);
        Assert.Equal(new LinearTranslation(0x12345, true, true, false), machine.Cpu.Translate(0x12345));
        Assert.Equal(new LinearTranslation(ulong.MaxValue, false, false, false), machine.Cpu.Translate(0x200000));
        Assert.Equal(0x83UL, BitConverter.ToUInt64(machine.Read(0x42000, 8)));
    }
}
