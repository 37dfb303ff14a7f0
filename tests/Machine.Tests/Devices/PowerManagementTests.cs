namespace FastVcpu.Machine.Tests.Devices;

/// <summary>ACPI's fixed registers, chapter 4.8.</summary>
public sealed class PowerManagementTests : IDisposable
{
    const int Status = 0, Enable = 2, Control = 4, Timer = 8;

    readonly VirtualMachine vm = new(new InstructionClock());
    readonly List<bool> levels = [];
    readonly PowerManagement power;

    public PowerManagementTests() => power = new PowerManagement(vm, levels.Add);

    public void Dispose() => vm.Dispose();

    [Fact]
    public void TheTimerCountsWithItsFrequency()
    {
        Assert.Equal(0u, power.In(Timer, 4));
        vm.Clock.Set(Clock.NanosecondsPerSecond);
        Assert.Equal(3579545u, power.In(Timer, 4));
    }

    [Fact]
    public void TheTimersHighestBitSetsItsStatusWhenItChanges()
    {
        vm.Clock.Set(601 * Clock.NanosecondsPerSecond);
        Assert.Equal(1u, power.In(Status, 2));
        power.Out(Status, 1, 2);
        Assert.Equal(0u, power.In(Status, 2));
    }

    [Fact]
    public void ThePowerButtonInterruptsUntilItsStatusIsCleared()
    {
        power.Out(Enable, 0x100, 2);
        power.PressPowerButton();
        Assert.Equal([true], levels);
        power.Out(Status, 0x100, 2);
        Assert.Equal([true, false], levels);
    }

    [Fact]
    public void SleepStateS5SwitchesTheMachineOff()
    {
        using Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        power.Out(Control, 3 << 10 | 1 << 13, 2);
        Assert.Equal(ExitReason.InstructionLimit, cpu.Run(0).Reason);
        power.Out(Control, PowerManagement.SoftOffType << 10 | 1 << 13, 2);
        VcpuExit exit = cpu.Run();
        Assert.Equal((ExitReason.SystemEvent, SystemEventType.Shutdown, 0UL), (exit.Reason, exit.SystemEvent, exit.Data));
    }

    [Fact]
    public void AcpiIsAlwaysOn()
    {
        power.Out(Control, 0, 2);
        Assert.Equal(1u, power.In(Control, 2));
    }
}
