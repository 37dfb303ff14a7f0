namespace FastVcpu.Interrupts;

/// <summary>The two 8259A of a PC, the slave at input 2 of the master, and their edge/level control registers. Lines change from any thread.</summary>
sealed class PicPair : IStateful
{
    public const ushort MasterPort = 0x20, SlavePort = 0xA0, ElcrPort = 0x4D0;
    public const int PortCount = 2, Inputs = 2 * Pic.Inputs;

    const byte MasterElcr = 0xF8, SlaveElcr = 0xDE;

    readonly Lock gate = new();
    readonly Action outputChanged;
    readonly Pic master = new(isMaster: true, MasterElcr), slave = new(isMaster: false, SlaveElcr);
    volatile bool output;

    /// <summary>Creates the pair.</summary>
    /// <param name="outputChanged">Called after <see cref="HasInterrupt"/> has changed, without a lock.</param>
    public PicPair(Action outputChanged)
    {
        this.outputChanged = outputChanged;
        Ports = [new PortPair(this, master), new PortPair(this, slave)];
        Elcr = new ElcrPorts(this);
    }

    /// <summary>The two ports of the master and of the slave.</summary>
    public IDevice[] Ports { get; }

    /// <summary>The ports of the edge/level control registers.</summary>
    public IDevice Elcr { get; }

    /// <summary>The INT output of the master.</summary>
    public bool HasInterrupt => output;

    public (PicState Master, PicState Slave) State
    {
        get
        {
            lock (gate)
            {
                return (master.State, slave.State);
            }
        }
        set => Change(() => (master.State, slave.State) = value);
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        lock (gate)
        {
            master.Transfer(state);
            slave.Transfer(state);
            output = state.Value(output);
        }
    }

    public void SetLine(int input, bool level)
    {
        bool changed;
        lock (gate)
        {
            (input < Pic.Inputs ? master : slave).SetLine(input % Pic.Inputs, level);
            changed = UpdateOutput();
        }
        Notify(changed);
    }

    /// <summary>INTA: the vector of the interrupt that goes into service.</summary>
    public byte Acknowledge()
    {
        byte vector;
        bool changed;
        lock (gate)
        {
            int input = master.Acknowledge();
            vector = input == Pic.CascadeInput ? slave.Vector(slave.Acknowledge()) : master.Vector(input);
            changed = UpdateOutput();
        }
        Notify(changed);
        return vector;
    }

    void Change(Action change)
    {
        bool changed;
        lock (gate)
        {
            change();
            changed = UpdateOutput();
        }
        Notify(changed);
    }

    bool UpdateOutput()
    {
        master.SetLine(Pic.CascadeInput, slave.HasInterrupt);
        bool before = output;
        output = master.HasInterrupt;
        return before != output;
    }

    void Notify(bool changed)
    {
        if (changed)
        {
            outputChanged();
        }
    }

    sealed class PortPair(PicPair pair, Pic pic) : BytePorts(PortCount)
    {
        protected override byte Read(int port)
        {
            byte value;
            bool changed;
            lock (pair.gate)
            {
                value = pic.Read(port);
                changed = pair.UpdateOutput();
            }
            pair.Notify(changed);
            return value;
        }

        protected override void Write(int port, byte value)
        {
            bool changed;
            lock (pair.gate)
            {
                pic.Write(port, value);
                changed = pair.UpdateOutput();
            }
            pair.Notify(changed);
        }
    }

    sealed class ElcrPorts(PicPair pair) : BytePorts(PortCount)
    {
        protected override byte Read(int port) => Of(port).LevelTriggered;

        protected override void Write(int port, byte value) => pair.Change(() => Of(port).LevelTriggered = value);

        Pic Of(int port) => port == 0 ? pair.master : pair.slave;
    }
}
