using FastVcpu.Interrupts;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Interrupts;

/// <summary>The embedder's side of the controllers: when they can be made, what is refused, and the split of them.</summary>
public class IrqChipTests
{
    const ulong ApicPage = 0xFEE00000;

    [Fact]
    public void ControllersComeOnceAndBeforeVcpus()
    {
        using VirtualMachine full = new(), split = new(), late = new();
        full.CreateIrqChip();
        Assert.Throws<InvalidOperationException>(full.CreateIrqChip);
        Assert.Throws<InvalidOperationException>(() => full.CreateSplitIrqChip());
        split.CreateSplitIrqChip();
        Assert.Throws<InvalidOperationException>(split.CreateIrqChip);
        late.CreateVcpu(CpuModel.Max);
        Assert.Throws<InvalidOperationException>(late.CreateIrqChip);
        Assert.Throws<ArgumentOutOfRangeException>(() => late.CreateSplitIrqChip(5000));
    }

    [Fact]
    public void ATimerNeedsTheControllersAndComesOnce()
    {
        using VirtualMachine vm = new(), split = new();
        Assert.Throws<InvalidOperationException>(() => vm.CreatePit());
        split.CreateSplitIrqChip();
        Assert.Throws<InvalidOperationException>(() => split.CreatePit());
        vm.CreateIrqChip();
        Assert.Throws<InvalidOperationException>(() => vm.PitState);
        vm.CreatePit();
        Assert.Throws<InvalidOperationException>(() => vm.CreatePit());
        Assert.Throws<ArgumentException>(() => vm.PitState = default);
        vm.PitState = vm.PitState;
    }

    [Fact]
    public void WithoutControllersThereIsNothingToAsk()
    {
        using VirtualMachine vm = new(), split = new();
        Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        Assert.Throws<InvalidOperationException>(() => vm.SetIrqLine(1, true));
        Assert.Throws<InvalidOperationException>(() => vm.SignalMsi(ApicPage, 0x40));
        Assert.Throws<InvalidOperationException>(() => vm.PicState);
        Assert.Throws<InvalidOperationException>(() => vm.IoApicState);
        Assert.Throws<InvalidOperationException>(() => vm.SetGsiRoutes([]));
        Assert.Throws<InvalidOperationException>(() => cpu.LocalApicState);
        split.CreateSplitIrqChip();
        Assert.Throws<InvalidOperationException>(() => split.PicState);
        Assert.False(split.SetIrqLine(1, true));
    }

    [Fact]
    public void AnUnknownLineIsLost()
    {
        using VirtualMachine vm = new();
        vm.CreateIrqChip();
        Assert.True(vm.SetIrqLine(1, true));
        Assert.False(vm.SetIrqLine(99, true));
        Assert.False(vm.SetIrqLine(-1, true));
    }

    [Fact]
    public void TheEndOfALevelIsTheEmbeddersWhenItHasTheIoApic()
    {
        using RealMachine machine = new(
            a =>
            {
                a.sti();
                for (int i = 0; i < 10; i++)
                {
                    a.nop();
                }
                a.hlt();
            },
            devices: vm => vm.CreateSplitIrqChip());
        machine.SetHandler(0x55, a => { a.mov(__dword_ptr[0xB0], 0); a.inc(bx); a.iret(); });
        machine.SetHandler(0x56, a => { a.mov(__dword_ptr[0xB0], 0); a.inc(bx); a.iret(); });
        machine.Cpu.Segments.Ds = machine.Cpu.Segments.Ds with { Base = ApicPage };
        machine.Cpu.Apic!.Write(ApicRegister.SpuriousVector, [0xFF, 1, 0, 0]);
        machine.Vm.SetGsiRoutes([new GsiRoute { Gsi = 3, Target = GsiTarget.Msi, Address = ApicPage, Data = 0xC055 }]);
        Assert.Throws<ArgumentException>(() => machine.Vm.SetGsiRoutes([new GsiRoute { Gsi = 3, Target = GsiTarget.IoApic }]));
        Assert.True(machine.Vm.SetIrqLine(3, true));
        // An edge, and a level that stands for no input.
        machine.Vm.SignalMsi(ApicPage, 0xC056);
        VcpuExit exit = machine.Run(20);
        Assert.Equal((ExitReason.IoApicEndOfInterrupt, 0x55), (exit.Reason, exit.Vector));
        Assert.Equal(1UL, machine.Regs.Rbx);
        Assert.Equal(ExitReason.InstructionLimit, machine.Run(5).Reason);
        Assert.Equal(2UL, machine.Regs.Rbx);
    }

    [Fact]
    public void AModelWithoutALocalApicGetsThePicsInterrupts()
    {
        using RealMachine machine = new(a => { a.sti(); a.nop(); a.nop(); a.hlt(); }, CpuModel.I486, devices: vm => vm.CreateIrqChip());
        machine.Vm.PicState = (machine.Vm.PicState.Master with { VectorBase = 0x40 }, machine.Vm.PicState.Slave);
        machine.Vm.SetIrqLine(4, true);
        machine.SetHandler(0x44, a => a.@out(0xF4, al));
        Assert.Equal(ExitReason.Io, machine.Run(10).Reason);
        Assert.Equal(0UL, machine.Cpu.ApicBase);
    }

    /// <summary>Timers and lines of a machine that is gone reach nobody.</summary>
    [Fact]
    public void NothingArrivesAfterTheEnd()
    {
        RealClock clock = new();
        for (int i = 0; i < 20; i++)
        {
            VirtualMachine vm = new(clock);
            vm.CreateIrqChip();
            vm.CreatePit();
            LocalApic apic = vm.CreateVcpu(CpuModel.Max).Apic!;
            apic.Write(ApicRegister.SpuriousVector, [0xFF, 1, 0, 0]);
            apic.Write(ApicRegister.LvtTimer, [0x40, 0, 2, 0]);
            apic.Write(ApicRegister.InitialCount, [0xFF, 0xFF, 0, 0]);
            Thread.Sleep(i % 3);
            vm.Dispose();
            apic.DeliverLocal(ApicRegister.LvtTimer);
            vm.SetIrqLine(4, true);
        }
    }
}
