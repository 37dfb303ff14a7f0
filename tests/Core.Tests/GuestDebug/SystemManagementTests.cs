using static FastVcpu.GuestDebugFlags;

namespace FastVcpu.Tests.GuestDebug;

/// <summary>SMIs and system-management mode: G3, and what other sections say of it.</summary>
public sealed class SystemManagementTests
{
    const ulong SmBase = 0x30000, Entry = SmBase + 0x8000, SaveArea = SmBase + 0xFE00;
    const ulong Trap = 0x100, Interrupt = 0x200;
    const uint SavedRevision = 0xFC, SavedCr0 = 0x158, SavedFlags = 0x170, SavedRip = 0x178;

    /// <summary>NOPs, with a handler of SMIs that counts in EAX.</summary>
    static RealMachine Machine()
    {
        RealMachine machine = new(a => { a.nop(); a.nop(); a.nop(); a.nop(); });
        machine.Write((uint)Entry, Guest.Assemble(16, a => { a.inc(eax); a.rsm(); }, 0x8000));
        return machine;
    }

    /// <summary>One step, to this linear address.</summary>
    static void StepsTo(RealMachine machine, ulong pc, GuestDebugFlags flags = None) =>
        Assert.Equal(new DebugExit(1, pc, 0xFFFF4FF0, 0x400), machine.Step(flags).Debug);

    [Fact]
    public void C2_TheSavedStateShowsNoTrapFlag()
    {
        using RealMachine machine = Machine();
        machine.StepsTo(RealMachine.Code + 1);
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        Assert.Equal(2u, BitConverter.ToUInt32(machine.Read(SaveArea + SavedFlags, 4)));
        Assert.Equal(2UL, machine.Regs.Rflags);
    }

    [Fact]
    public void C3_TheGuestsOwnTrapFlagIsSavedAndRestored()
    {
        using RealMachine machine = Machine();
        machine.Regs.Rflags |= Trap;
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        Assert.Equal(Trap | 2, BitConverter.ToUInt32(machine.Read(SaveArea + SavedFlags, 4)));
        StepsTo(machine, Entry + 2);
        StepsTo(machine, RealMachine.Code);
        Assert.Equal(Trap | 2, machine.Regs.Rflags);
    }

    [Fact]
    public void F1_TheSmiComesFirstThenTheNmiThenTheInterrupt()
    {
        using RealMachine machine = Machine();
        machine.Regs.Rflags |= Interrupt;
        machine.Cpu.Interrupt(0x40);
        machine.Cpu.Nmi();
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        StepsTo(machine, Entry + 2);
        StepsTo(machine, RealMachine.Code);
        machine.StepsTo(RealMachine.Handler(2));
        machine.StepsTo(RealMachine.Code);
        machine.StepsTo(RealMachine.Handler(0x40));
    }

    [Fact]
    public void F3_AHeldSmiArrivesFirstWhenTheFlagGoes()
    {
        using RealMachine machine = Machine();
        machine.Cpu.Nmi();
        machine.Cpu.Smi();
        machine.StepsTo(RealMachine.Code + 1, BlockInterrupts);
        Assert.True(machine.Cpu.Events.Smi.IsPending);
        StepsTo(machine, Entry);
        Assert.Equal(1, machine.Cpu.Events.Nmi.Pending);
    }

    [Fact]
    public void G2_AnNmiIsHeldInSystemManagementModeAndNotByTheInterruptFlag()
    {
        using RealMachine machine = Machine();
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        machine.Cpu.Nmi();
        StepsTo(machine, Entry + 2);
        StepsTo(machine, RealMachine.Code);
        Assert.Equal(0UL, machine.Regs.Rflags & Interrupt);
        machine.StepsTo(RealMachine.Handler(2));
    }

    [Theory]
    [InlineData(InterruptShadow.None)]
    [InlineData(InterruptShadow.Sti)]
    [InlineData(InterruptShadow.MovSs)]
    public void G3_AnSmiIsHeldNeitherByTheInterruptFlagNorByShadows(InterruptShadow shadow)
    {
        using RealMachine machine = Machine();
        machine.Cpu.Events = new VcpuEvents { Interrupt = new InterruptEvent { Shadow = shadow } };
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
    }

    [Fact]
    public void G3_ASecondSmiWaitsForRsm()
    {
        using RealMachine machine = Machine();
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        machine.Cpu.Smi();
        StepsTo(machine, Entry + 2);
        Assert.True(machine.Cpu.Events.Smi is { IsPending: true, IsInSmm: true });
        StepsTo(machine, RealMachine.Code);
        StepsTo(machine, Entry);
        Assert.False(machine.Cpu.Events.Smi.IsPending);
    }

    [Fact]
    public void G3_EntryAndSaveAreaAreThoseOfKvm()
    {
        using RealMachine machine = Machine();
        machine.Cpu.DebugRegisters = machine.Cpu.DebugRegisters with { Dr7 = 0x401 };
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        SystemRegisters system = machine.Cpu.SystemRegisters;
        Assert.Equal((SmBase, 0x8000UL, 2UL), (system.Cs.Base, machine.Regs.Rip, machine.Regs.Rflags));
        Assert.Equal((0UL, (ushort)0), (system.Cr4, system.Idt.Limit));
        Assert.Equal(0x400UL, machine.Cpu.DebugRegisters.Dr7);
        Assert.True(machine.Cpu.Events.Nmi.IsMasked);
        Assert.True(machine.Cpu.Events.Smi.IsInSmm);
        Assert.Equal(0x20064u, BitConverter.ToUInt32(machine.Read(SaveArea + SavedRevision, 4)));
        Assert.Equal((ulong)RealMachine.Code, BitConverter.ToUInt64(machine.Read(SaveArea + SavedRip, 8)));
        Assert.Equal(0x60000010u, BitConverter.ToUInt32(machine.Read(SaveArea + SavedCr0, 4)));
    }

    [Fact]
    public void G3_RsmRestoresAndStepsWorkInside()
    {
        using RealMachine machine = Machine();
        machine.Regs.Rax = 0x12345;
        machine.Regs.Rflags |= Interrupt;
        ulong dr7 = 0x401;
        machine.Cpu.DebugRegisters = machine.Cpu.DebugRegisters with { Dr7 = dr7 };
        SystemRegisters before = machine.Cpu.SystemRegisters;
        machine.Cpu.Smi();
        StepsTo(machine, Entry);
        StepsTo(machine, Entry + 2);
        Assert.Equal(0x12346UL, machine.Regs.Rax);
        Assert.Equal(RealMachine.Code, machine.Step().Debug.Pc);
        Assert.Equal(before, machine.Cpu.SystemRegisters);
        Assert.Equal((0x12345UL, Interrupt | 2, dr7), (machine.Regs.Rax, machine.Regs.Rflags, machine.Cpu.DebugRegisters.Dr7));
        Assert.False(machine.Cpu.Events.Nmi.IsMasked);
    }
}
