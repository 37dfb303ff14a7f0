using FastVcpu.State;

namespace FastVcpu.Interrupts;

/// <summary>
/// The interrupt controllers of a machine that are in the core, and the ways of the interrupts: all of them, or (split) the local APICs only.
/// </summary>
sealed class IrqChip : IDisposable, IStateful
{
    const int LegacyInterrupts = PicPair.Inputs;

    readonly Clock clock;
    readonly int reservedRoutes;
    volatile ILookup<int, GsiRoute> routes;

    /// <summary>Creates the controllers.</summary>
    /// <param name="clock">The time of the machine.</param>
    /// <param name="reservedRoutes">Null: all of them. Otherwise only the local APICs, and how many routes stand for inputs of the embedder's I/O APIC.</param>
    public IrqChip(Clock clock, int? reservedRoutes)
    {
        this.clock = clock;
        if (reservedRoutes == null)
        {
            Pic = new PicPair(ExternalChanged);
            IoApic = new IoApic(Bus);
        }
        this.reservedRoutes = reservedRoutes ?? 0;
        routes = (reservedRoutes == null ? DefaultRoutes() : []).ToLookup(route => route.Gsi);
    }

    public ApicBus Bus { get; } = new();

    /// <summary>The 8259A pair; null in split mode.</summary>
    public PicPair? Pic { get; }

    /// <summary>The I/O APIC; null in split mode.</summary>
    public IoApic? IoApic { get; }

    /// <summary>The 8254, if there is one in the core.</summary>
    public Pit? Pit { get; private set; }

    public bool IsSplit => Pic == null;

    /// <summary>The controllers that all processors share. The local APICs are parts of theirs.</summary>
    void IStateful.Transfer(StateTransfer state)
    {
        bool hasTimer = Pit != null, hasFull = !IsSplit;
        state.Require(state.Value(hasTimer) == hasTimer);
        state.Require(state.Value(hasFull) == hasFull);
        if (hasFull)
        {
            state.Part(Pic!);
            state.Part(IoApic!);
        }
        if (hasTimer)
        {
            state.Part(Pit!);
        }
    }

    public void SetRoutes(IEnumerable<GsiRoute> value) => routes = value.ToLookup(route => route.Gsi);

    public Pit CreatePit() => Pit = Pit == null ? new Pit(clock, level => SetLine(0, level)) : throw new InvalidOperationException("There is a timer already.");

    public unsafe LocalApic CreateLocalApic(Vcpu cpu, CpuState* state)
    {
        LocalApic apic = new(cpu, state, this);
        Bus.Add(apic);
        return apic;
    }

    /// <summary>An interrupt line changes. False: nobody has taken it.</summary>
    public bool SetLine(int gsi, bool level)
    {
        bool taken = false;
        foreach (GsiRoute route in routes[gsi])
        {
            switch (route.Target)
            {
                case GsiTarget.Pic when Pic != null:
                    Pic.SetLine(route.Pin, level);
                    taken = true;
                    break;
                case GsiTarget.IoApic when IoApic != null:
                    taken |= IoApic.SetLine(route.Pin, level);
                    break;
                case GsiTarget.Msi when level:
                    taken |= Bus.Deliver(ApicMessage.FromMsi(route.Address, route.Data), null) > 0;
                    break;
            }
        }
        return taken;
    }

    /// <summary>A vCPU has ended a level-triggered interrupt.</summary>
    public void EndLevel(Vcpu cpu, byte vector)
    {
        if (IoApic != null)
        {
            IoApic.End(vector);
        }
        else if (IsReserved(vector))
        {
            cpu.ReportEnd(vector);
        }
    }

    public void Dispose()
    {
        Pit?.Dispose();
        foreach (LocalApic apic in Bus.Apics)
        {
            apic.Dispose();
        }
    }

    /// <summary>A level-triggered input of the embedder's I/O APIC has this vector.</summary>
    bool IsReserved(byte vector)
    {
        ILookup<int, GsiRoute> all = routes;
        for (int gsi = 0; gsi < reservedRoutes; gsi++)
        {
            foreach (GsiRoute route in all[gsi])
            {
                if (route.Target == GsiTarget.Msi && ApicMessage.FromMsi(route.Address, route.Data) is { IsLevelTriggered: true } message && message.Vector == vector)
                {
                    return true;
                }
            }
        }
        return false;
    }

    /// <summary>The 8259A's output is connected to LINT0 of all processors, where it is an interrupt of its own kind, or what the entry makes of its edge.</summary>
    void ExternalChanged()
    {
        if (!Pic!.HasInterrupt)
        {
            return;
        }
        foreach (LocalApic apic in Bus.Apics)
        {
            apic.ExternalRaised();
        }
    }

    static IEnumerable<GsiRoute> DefaultRoutes()
    {
        IEnumerable<GsiRoute> pic = Enumerable.Range(0, LegacyInterrupts).Select(i => new GsiRoute { Gsi = i, Target = GsiTarget.Pic, Pin = i });
        return pic.Concat(Enumerable.Range(0, IoApicState.Inputs).Select(i => new GsiRoute { Gsi = i, Target = GsiTarget.IoApic, Pin = i }));
    }
}
