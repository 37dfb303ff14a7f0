using FastVcpu.Interrupts;

namespace FastVcpu;

/// <summary>Interrupt controllers in the core, on request: all of a PC's, or the local APICs only.</summary>
public sealed partial class VirtualMachine
{
    const int SpeakerPortCount = 1, MostRoutes = 4096;

    internal IrqChip? IrqChip { get; private set; }

    /// <summary>What vCPUs that have nothing to do wait at.</summary>
    internal object WakeGate { get; } = new();

    /// <summary>
    /// Puts the interrupt controllers of a PC into the core (KVM_CREATE_IRQCHIP): two 8259A at ports 20h, A0h and 4D0h, an I/O APIC at FEC00000h, and a local APIC for each
    /// vCPU that is created from now on. Global system interrupt n leads to input n of both; <see cref="SetGsiRoutes"/> changes that.
    /// </summary>
    /// <exception cref="InvalidOperationException">There are controllers already (EEXIST), or a vCPU (EINVAL).</exception>
    public void CreateIrqChip()
    {
        IrqChip chip = Install(new IrqChip(Clock, reservedRoutes: null));
        AttachPorts(PicPair.MasterPort, PicPair.PortCount, chip.Pic!.Ports[0]);
        AttachPorts(PicPair.SlavePort, PicPair.PortCount, chip.Pic.Ports[1]);
        AttachPorts(PicPair.ElcrPort, PicPair.PortCount, chip.Pic.Elcr);
        AttachMemory(IoApic.DefaultAddress, IoApic.Size, chip.IoApic!);
    }

    /// <summary>
    /// Puts a local APIC for each vCPU that is created from now on into the core; 8259A and I/O APIC are the embedder's (KVM_CAP_SPLIT_IRQCHIP). It sends their interrupts with
    /// <see cref="SignalMsi"/> and <see cref="Vcpu.Interrupt"/>, and <see cref="ExitReason.IoApicEndOfInterrupt"/> tells it that a level-triggered one has ended.
    /// </summary>
    /// <param name="ioApicInputs">Inputs of its I/O APIC: the routes of the first global system interrupts stand for them.</param>
    /// <exception cref="InvalidOperationException">There are controllers already, or a vCPU (EEXIST).</exception>
    public void CreateSplitIrqChip(int ioApicInputs = IoApicState.Inputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ioApicInputs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ioApicInputs, MostRoutes);
        Install(new IrqChip(Clock, ioApicInputs));
    }

    /// <summary>Puts an 8254 timer at ports 40h to 43h, whose counter 0 is global system interrupt 0 (KVM_CREATE_PIT2).</summary>
    /// <param name="hasSpeakerPort">Port 61h too, with the gate and the output of counter 2 (KVM_PIT_SPEAKER_DUMMY).</param>
    /// <exception cref="InvalidOperationException">There is one already (EEXIST), or no <see cref="CreateIrqChip"/> before (ENOENT).</exception>
    public void CreatePit(bool hasSpeakerPort = true)
    {
        IrqChip chip = IrqChip is { IsSplit: false } full ? full : throw new InvalidOperationException("A timer in the core needs the interrupt controllers there.");
        Pit pit = chip.CreatePit();
        AttachPorts(Pit.FirstPort, Pit.PortCount, pit);
        if (hasSpeakerPort)
        {
            AttachPorts(Pit.SpeakerPort, SpeakerPortCount, pit.Speaker);
        }
    }

    /// <summary>Sets the level of an interrupt line (KVM_IRQ_LINE). From any thread. For an edge, set it high and then low.</summary>
    /// <param name="gsi">Number of the global system interrupt.</param>
    /// <param name="level">High: the device asks.</param>
    /// <returns>False when it is lost, because nothing is there or it is masked.</returns>
    /// <exception cref="InvalidOperationException">There are no controllers in the core (ENXIO).</exception>
    public bool SetIrqLine(int gsi, bool level) => RequireIrqChip().SetLine(gsi, level);

    /// <summary>Sends a message-signalled interrupt (KVM_SIGNAL_MSI). From any thread.</summary>
    /// <param name="address">What the device would write to: FEE00000h and the destination; bits 40 to 63 extend it beyond 8 bits.</param>
    /// <param name="data">Vector, delivery mode, trigger mode.</param>
    /// <returns>How many vCPUs have taken it.</returns>
    /// <exception cref="InvalidOperationException">There are no local APICs in the core (EINVAL).</exception>
    public int SignalMsi(ulong address, uint data) => RequireIrqChip().Bus.Deliver(ApicMessage.FromMsi(address, data), null);

    /// <summary>Replaces all ways of interrupts (KVM_SET_GSI_ROUTING).</summary>
    /// <param name="routes">The ways; an interrupt may have several.</param>
    /// <exception cref="InvalidOperationException">There are no controllers in the core (ENXIO).</exception>
    /// <exception cref="ArgumentException">There is no such input.</exception>
    public void SetGsiRoutes(IEnumerable<GsiRoute> routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        IrqChip chip = RequireIrqChip();
        GsiRoute[] all = [.. routes];
        foreach (GsiRoute route in all)
        {
            int inputs = route.Target switch { GsiTarget.Pic => PicPair.Inputs, GsiTarget.IoApic => IoApicState.Inputs, _ => int.MaxValue };
            if ((uint)route.Pin >= (uint)inputs || route.Gsi < 0 || (chip.IsSplit && route.Target != GsiTarget.Msi))
            {
                throw new ArgumentException($"Interrupt {route.Gsi} cannot lead to input {route.Pin} of {route.Target}.", nameof(routes));
            }
        }
        chip.SetRoutes(all);
    }

    /// <summary>The two 8259A (KVM_GET_IRQCHIP, KVM_SET_IRQCHIP).</summary>
    /// <exception cref="InvalidOperationException">They are not in the core (ENXIO).</exception>
    public (PicState Master, PicState Slave) PicState
    {
        get => RequireFull().Pic!.State;
        set => RequireFull().Pic!.State = value;
    }

    /// <summary>The I/O APIC (KVM_GET_IRQCHIP, KVM_SET_IRQCHIP).</summary>
    /// <exception cref="InvalidOperationException">It is not in the core (ENXIO).</exception>
    /// <exception cref="ArgumentException">The redirection table has not as many entries as there are inputs.</exception>
    public IoApicState IoApicState
    {
        get => RequireFull().IoApic!.State;
        set
        {
            if (value.Redirections?.Length != IoApicState.Inputs)
            {
                throw new ArgumentException($"The redirection table has {IoApicState.Inputs} entries.", nameof(value));
            }
            RequireFull().IoApic!.State = value;
        }
    }

    /// <summary>The 8254 (KVM_GET_PIT2, KVM_SET_PIT2).</summary>
    /// <exception cref="InvalidOperationException">It is not in the core (ENXIO).</exception>
    /// <exception cref="ArgumentException">Not three counters.</exception>
    public PitState PitState
    {
        get => RequirePit().State;
        set
        {
            if (value.Channels?.Length != Pit.Channels)
            {
                throw new ArgumentException($"The timer has {Pit.Channels} counters.", nameof(value));
            }
            RequirePit().State = value;
        }
    }

    IrqChip Install(IrqChip chip)
    {
        lock (cpus)
        {
            if (IrqChip != null || cpus.Count > 0)
            {
                throw new InvalidOperationException(IrqChip != null ? "There are interrupt controllers already." : "Interrupt controllers come before vCPUs.");
            }
            AddState("interrupt controllers", chip);
            return IrqChip = chip;
        }
    }

    IrqChip RequireIrqChip() => IrqChip ?? throw new InvalidOperationException("There are no interrupt controllers in the core.");

    IrqChip RequireFull() => IrqChip is { IsSplit: false } chip ? chip : throw new InvalidOperationException("8259A and I/O APIC are not in the core.");

    Pit RequirePit() => IrqChip?.Pit ?? throw new InvalidOperationException("There is no timer in the core.");
}
