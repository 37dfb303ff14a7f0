using FastVcpu.Interrupts;

namespace FastVcpu.Tests.Interrupts;

/// <summary>The I/O APIC against the data sheet of the 82093AA.</summary>
public sealed class IoApicTests : IDisposable
{
    const uint Masked = 1 << 16, Level = 1 << 15, RemoteIrr = 1 << 14;

    readonly VirtualMachine vm = new();
    readonly Vcpu cpu, other;
    readonly IoApic io;

    public IoApicTests()
    {
        vm.CreateIrqChip();
        cpu = vm.CreateVcpu(CpuModel.Max);
        other = vm.CreateVcpu(CpuModel.Max);
        io = vm.IrqChip!.IoApic!;
        cpu.Apic!.Write(ApicRegister.SpuriousVector, [0xFF, 1, 0, 0]);
        other.Apic!.Write(ApicRegister.SpuriousVector, [0xFF, 1, 0, 0]);
    }

    uint this[int register]
    {
        get
        {
            io.Write(0, [(byte)register]);
            byte[] data = new byte[4];
            io.Read(0x10, data);
            return BitConverter.ToUInt32(data);
        }
        set
        {
            io.Write(0, [(byte)register, 0, 0, 0]);
            io.Write(0x10, BitConverter.GetBytes(value));
        }
    }

    void Redirect(int pin, uint low, uint destination = 0)
    {
        this[0x11 + 2 * pin] = destination << 24;
        this[0x10 + 2 * pin] = low;
    }

    /// <summary>The vector that a processor takes now, or 0.</summary>
    static byte Take(Vcpu by) => by.Apic!.TryAcknowledge(out byte vector) ? vector : (byte)0;

    static void End(Vcpu by) => by.Apic!.Write(ApicRegister.EndOfInterrupt, [0, 0, 0, 0]);

    [Fact]
    public void RegistersReadAsTheDataSheetSays()
    {
        Assert.Equal((0u, 0x00170020u), (this[0], this[1]));
        this[0] = 0xFF000000;
        Assert.Equal((0x0F000000u, 0x0F000000u), (this[0], this[2]));
        for (int pin = 0; pin < 24; pin++)
        {
            Assert.Equal((Masked, 0u), (this[0x10 + 2 * pin], this[0x11 + 2 * pin]));
        }
        this[0x10] = uint.MaxValue;
        this[0x11] = uint.MaxValue;
        Assert.Equal((0x0001AFFFu, 0xFF000000u), (this[0x10], this[0x11]));
        Assert.Equal(0u, this[0x40]);
    }

    [Fact]
    public void AnEdgeIsSentOnceToItsDestination()
    {
        Redirect(4, 0x34, destination: 1);
        Assert.True(vm.SetIrqLine(4, true));
        Assert.Equal((0x34, 0), (Take(other), Take(cpu)));
        vm.SetIrqLine(4, true);
        End(other);
        Assert.Equal(0, Take(other));
        vm.SetIrqLine(4, false);
        vm.SetIrqLine(4, true);
        Assert.Equal(0x34, Take(other));
    }

    [Fact]
    public void AMaskedEdgeIsLost()
    {
        Redirect(20, 0x34 | Masked);
        Assert.False(vm.SetIrqLine(20, true));
        Redirect(20, 0x34);
        Assert.Equal(0, Take(cpu));
    }

    [Fact]
    public void ALevelIsSentAgainAfterItsEndUntilItIsLow()
    {
        Redirect(5, 0x35 | Level);
        vm.SetIrqLine(5, true);
        Assert.Equal(0x35, Take(cpu));
        Assert.Equal(0x35 | Level | RemoteIrr, this[0x1A]);
        vm.SetIrqLine(5, true);
        Assert.Equal(0, Take(cpu));
        End(cpu);
        Assert.Equal(0x35, Take(cpu));
        vm.SetIrqLine(5, false);
        End(cpu);
        Assert.Equal((0, 0x35 | Level), (Take(cpu), this[0x1A]));
    }

    [Fact]
    public void AMaskedLevelIsSentWhenItIsUnmasked()
    {
        Redirect(5, 0x35 | Level | Masked);
        vm.SetIrqLine(5, true);
        Assert.Equal(0, Take(cpu));
        Redirect(5, 0x35 | Level);
        Assert.Equal(0x35, Take(cpu));
    }

    [Fact]
    public void SwitchingToEdgesClearsRemoteIrr()
    {
        Redirect(5, 0x35 | Level);
        vm.SetIrqLine(5, true);
        this[0x1A] = 0x35 | Masked;
        this[0x1A] = 0x35 | Masked | Level;
        Assert.Equal(0x35 | Masked | Level, this[0x1A]);
    }

    [Fact]
    public void ADirectedEndIsWrittenToItsRegisterWhenTheBroadcastIsSuppressed()
    {
        cpu.Apic!.Write(ApicRegister.SpuriousVector, [0xFF, 0x11, 0, 0]);
        Redirect(5, 0x35 | Level);
        vm.SetIrqLine(5, true);
        Assert.Equal(0x35, Take(cpu));
        End(cpu);
        Assert.Equal(0x35 | Level | RemoteIrr, this[0x1A]);
        Assert.Equal(0, Take(cpu));
        io.Write(0x40, [0x35, 0, 0, 0]);
        Assert.Equal(0x35, Take(cpu));
    }

    [Fact]
    public void NmiAndSmiCanBeSent()
    {
        Redirect(6, 0x400);
        Redirect(7, 0x200, destination: 1);
        vm.SetIrqLine(6, true);
        vm.SetIrqLine(7, true);
        Assert.Equal((1, true), (cpu.Events.Nmi.Pending, other.Events.Smi.IsPending));
    }

    [Fact]
    public void StateGoesAndComes()
    {
        Redirect(5, 0x35 | Level);
        vm.SetIrqLine(5, true);
        vm.SetIrqLine(9, true);
        IoApicState state = vm.IoApicState;
        Assert.Equal((1u << 5 | 1 << 9, 0x35UL | Level | RemoteIrr), (state.Lines, state.Redirections[5]));
        using VirtualMachine copy = new();
        copy.CreateIrqChip();
        copy.IoApicState = state;
        Assert.Equal(state.Redirections, copy.IoApicState.Redirections);
        Assert.Throws<ArgumentException>(() => copy.IoApicState = state with { Redirections = new ulong[3] });
    }

    [Fact]
    public void RoutesCanBeReplaced()
    {
        vm.SetGsiRoutes([
            new GsiRoute { Gsi = 0, Target = GsiTarget.IoApic, Pin = 2 },
            new GsiRoute { Gsi = 100, Target = GsiTarget.Msi, Address = 0xFEE01000, Data = 0x77 },
        ]);
        Redirect(2, 0x32);
        vm.SetIrqLine(0, true);
        vm.SetIrqLine(100, true);
        Assert.False(vm.SetIrqLine(5, true));
        Assert.Equal((0x32, 0x77), (Take(cpu), Take(other)));
        Assert.Throws<ArgumentException>(() => vm.SetGsiRoutes([new GsiRoute { Gsi = 1, Target = GsiTarget.IoApic, Pin = 24 }]));
        Assert.Throws<ArgumentException>(() => vm.SetGsiRoutes([new GsiRoute { Gsi = 1, Target = GsiTarget.Pic, Pin = 16 }]));
    }

    public void Dispose() => vm.Dispose();
}
