using Iced.Intel;

namespace FastVcpu.Fuzz.Machines;

/// <summary>Runs what <see cref="MachineGenerator"/> has made on the CPUs of a few models.</summary>
sealed class RandomMachine : IDisposable
{
    /// <summary>Longer than any case takes that gets on at all, however busy the host is; in milliseconds.</summary>
    const int Patience = 600_000;

    const int MostExits = 500, Lives = 10;

    readonly VirtualMachine machine = new(new InstructionClock());
    readonly GuardedMemory[] memory = [.. Layout.Slots.Select(slot => new GuardedMemory(slot.Size))];
    readonly VcpuState reset;
    readonly Timer watch;
    long started;

    public RandomMachine(CpuModel model)
    {
        for (int i = 0; i < memory.Length; i++)
        {
            machine.MapMemory(i, Layout.Slots[i].Start, memory[i].Memory, Layout.Slots[i].Options);
        }
        Cpu = machine.CreateVcpu(model);
        // The clock goes on from run to run, and would show in what the guest does with it.
        const uint TscAdjust = 0x3B;
        Cpu.MsrFilter.Add(TscAdjust);
        Cpu.MsrExits = MsrExitReasons.Filter;
        reset = Cpu.SaveState();
        watch = new Timer(_ => LookForHang(), null, 1000, 1000);
    }

    public Vcpu Cpu { get; }

    /// <summary>Instructions retired in the last run.</summary>
    public long Retired { get; private set; }

    /// <summary>An exit of the last run has read more than one element from a port. They are written at once, over the instruction itself if need be.</summary>
    public bool ReadString { get; private set; }

    /// <summary>Runs a machine to its end, a limit, or more exits than that takes.</summary>
    /// <param name="made">The machine.</param>
    /// <param name="limit">The most instructions.</param>
    /// <param name="run">Runs the CPU for at most so many instructions.</param>
    public MachineEnd Run(MachineGenerator made, long limit, Func<Vcpu, long, VcpuExit> run)
    {
        Load(made);
        ReadString = false;
        Interlocked.Exchange(ref started, Environment.TickCount64);
        (ExitReason last, Retired) = Follow(made, limit, run);
        Interlocked.Exchange(ref started, 0);
        Cpu.SetGuestDebug(GuestDebugFlags.None);
        return new MachineEnd(Cpu, memory, last, Retired);
    }

    /// <summary>The instruction that comes next, and what matters most for it.</summary>
    public string Describe()
    {
        const ushort LongMode = 1 << 13, DefaultBig = 1 << 14;
        SegmentRegister code = Cpu.Segments.Cs;
        bool isLong = (code.Attributes & LongMode) != 0 && (Cpu.SystemRegisters.Efer & 0x400) != 0;
        ulong rip = Cpu.Regs.Rip;
        byte[] bytes = new byte[16];
        if (!Cpu.TryReadLinear(isLong ? rip : (uint)(code.Base + rip), bytes))
        {
            return $"  at {code.Selector:x}:{rip:x}, where nothing can be read\n";
        }
        Decoder decoder = Decoder.Create(isLong ? 64 : (code.Attributes & DefaultBig) != 0 ? 32 : 16, new ByteArrayCodeReader(bytes), DecoderOptions.AMD);
        decoder.IP = rip;
        decoder.Decode(out Instruction instruction);
        return $"  at {code.Selector:x}:{rip:x} {Convert.ToHexStringLower(bytes.AsSpan(0, instruction.Length))} {instruction}, {Cpu.Registers}\n  {Cpu.SystemRegisters} {Cpu.DebugRegisters}\n".Replace("GeneralRegisters ", "");
    }

    public void Dispose()
    {
        watch.Dispose();
        machine.Dispose();
        Array.ForEach(memory, part => ((IDisposable)part).Dispose());
    }

    void Load(MachineGenerator made)
    {
        Cpu.SetGuestDebug(GuestDebugFlags.None);
        Cpu.RequestInterruptWindow = false;
        Cpu.IgnoreNumericError = false;
        Cpu.RestoreState(reset);
        for (int i = 0; i < memory.Length; i++)
        {
            machine.SetMemoryOptions(i, Layout.Slots[i].Options);
            machine.TryWritePhysical(Layout.Slots[i].Start, made.Memory[i]);
        }
        SetRegisters(made, made.Registers.Rip, time: 0);
        Cpu.DebugRegisters = made.Debug;
        for (int i = 0; i < 16; i++)
        {
            made.Extended.AsSpan(i * 32, 32).CopyTo(Cpu.VectorRegister(i));
        }
        for (int i = 0; i < 8; i++)
        {
            made.Extended.AsSpan(512 + i * 10, 10).CopyTo(Cpu.Fpu.Register(i));
        }
        Cpu.Fpu.AbridgedTag = made.Extended[600];
    }

    void SetRegisters(MachineGenerator made, ulong rip, long time)
    {
        const uint TimeStampCounter = 0x10;
        Cpu.TrySetMsr(TimeStampCounter, (ulong)time);
        Cpu.RandomSeed = (ulong)time + 1;
        Cpu.SystemRegisters = made.System with { ApicBase = Cpu.ApicBase };
        Cpu.Registers = made.Registers with { Rip = rip };
    }

    (ExitReason, long) Follow(MachineGenerator made, long limit, Func<Vcpu, long, VcpuExit> run)
    {
        long done = 0;
        int next = 0, lives = Lives;
        Random host = new(made.Actions.Count);
        for (int exits = 0; exits < MostExits; exits++)
        {
            while (next < made.Actions.Count && made.Actions[next].At <= done)
            {
                Act(new Random(made.Actions[next++].Seed));
            }
            if (done >= limit)
            {
                break;
            }
            long stop = next < made.Actions.Count ? Math.Min(limit, made.Actions[next].At) : limit;
            VcpuExit exit = run(Cpu, stop - done);
            done += exit.InstructionsRetired;
            switch (exit.Reason)
            {
                case ExitReason.Io when !exit.IsWrite:
                    ReadString |= exit.Count > 1;
                    FillInput(Cpu.IoData, exit.Port);
                    break;
                case ExitReason.Mmio when !exit.IsWrite:
                    FillInput(Cpu.MmioData, (int)exit.Address);
                    break;
                case ExitReason.Hlt:
                    Wake(host);
                    break;
                case ExitReason.NumericError:
                    Cpu.IgnoreNumericError = true;
                    break;
                case ExitReason.Shutdown or ExitReason.FailEntry or ExitReason.InternalError when lives-- > 0:
                    // Memory stays as it has become.
                    Cpu.RestoreState(reset);
                    SetRegisters(made, made.Registers.Rip + (ulong)host.Next(Layout.CodeSize / 2), done);
                    break;
                case ExitReason.Shutdown or ExitReason.FailEntry or ExitReason.InternalError or ExitReason.Interrupted:
                    return (exit.Reason, done);
            }
        }
        return (done >= limit ? ExitReason.InstructionLimit : ExitReason.Io, done);
    }

    /// <summary>What is read does not depend on how the access was cut into exits.</summary>
    static void FillInput(Span<byte> data, int place) => data.Fill((byte)(place * 37 + 11));

    void Wake(Random host)
    {
        switch (host.Next(4))
        {
            case 0:
                Cpu.Nmi();
                break;
            case 1:
                SystemManagement();
                break;
            case 2:
                Cpu.Interrupt(host.Next(256));
                break;
        }
    }

    void Act(Random random)
    {
        switch (random.Next(9))
        {
            case 0 or 1:
                Cpu.Interrupt(random.Next(256));
                break;
            case 2:
                Cpu.Nmi();
                break;
            case 3:
                SystemManagement();
                break;
            case 4:
                Debug(random);
                break;
            case 5:
                byte[] bytes = new byte[random.Next(1, 64)];
                random.NextBytes(bytes);
                machine.TryWritePhysical(Layout.Address(random), bytes);
                break;
            case 6:
                Cpu.Regs.Rflags ^= 1UL << random.Next(22) & 0x240FD5;
                break;
            case 7:
                Cpu.RequestInterruptWindow = random.Next(2) == 0;
                break;
            case 8:
                machine.SetMemoryOptions(3, random.Next(2) == 0 ? MemorySlotOptions.ReadOnly : MemorySlotOptions.LogDirtyPages);
                break;
        }
    }

    /// <summary>Its mode needs a processor whose segments can have more than 64 KiB.</summary>
    void SystemManagement()
    {
        if (Cpu.Model.Has(CpuFeature.I386))
        {
            Cpu.Smi();
        }
    }

    void Debug(Random random)
    {
        GuestDebugFlags flags = GuestDebugFlags.Enable;
        flags |= random.Next(3) == 0 ? GuestDebugFlags.SingleStep : 0;
        flags |= random.Next(2) == 0 ? GuestDebugFlags.UseSoftwareBreakpoints : 0;
        flags |= random.Next(2) == 0 ? GuestDebugFlags.UseHardwareBreakpoints : 0;
        flags |= random.Next(2) == 0 ? GuestDebugFlags.BlockInterrupts : 0;
        flags = random.Next(3) == 0 ? GuestDebugFlags.None : flags;
        Cpu.SetGuestDebug(flags, new DebugRegisters(
            Address(random), Address(random), Address(random), Address(random), 0, (ulong)random.Next() & 0xFFFF_00FF & ~((flags & GuestDebugFlags.SingleStep) != 0 ? 0 : 0x3300_0000UL)));
    }

    static ulong Address(Random random) => Layout.Address(random) & uint.MaxValue;

    void LookForHang()
    {
        long since = Interlocked.Read(ref started);
        if (since != 0 && Environment.TickCount64 - since > Patience)
        {
            Cpu.RequestExit();
        }
    }
}
