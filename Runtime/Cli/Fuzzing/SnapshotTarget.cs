using System.Buffers.Binary;
using FastVcpu.Cli.Booting;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Fuzzing;

/// <summary>A function in the machine of a snapshot, whose arguments are the address of the input and its length. It stands at its first instruction.</summary>
sealed class SnapshotTarget : IDisposable
{
    /// <summary>How often is looked whether the processor sleeps for ever, in milliseconds.</summary>
    const int LookInterval = 100;

    readonly BootMachine machine;
    readonly Timer watch;
    readonly ulong buffer, room;
    readonly bool is64;

    /// <summary>Builds the machine and lets it run to the function.</summary>
    /// <exception cref="InputException">It is no machine for this, or does not come there.</exception>
    /// <param name="target">The target.</param>
    /// <param name="snapshot">Its snapshot.</param>
    /// <param name="instructions">The most instructions that it may take to get there.</param>
    public SnapshotTarget(TargetDescription target, MachineSnapshot snapshot, long instructions)
    {
        if (target.Bits == 16 || target.Entry is not { } entry)
        {
            throw new InputException("A function in the machine of a snapshot has an --entry address and 32 or 64 bits.");
        }

        is64 = target.Bits == 64;
        MachineDescription description = SnapshotFile.Describe(snapshot, hasSerial: false, null)!;
        if (description is not { IsDeterministic: true, Processors: 1 })
        {
            throw new InputException("The machine of the snapshot has to be a deterministic one with one processor.");
        }

        machine = new BootMachine(new BootOptions
        {
            CpuModel = (CpuModel.Find(description.CpuModel) ?? CpuModel.Max).Without(CpuFeature.Rdrand, CpuFeature.Rdseed),
            Memory = description.Memory,
            Clock = new InstructionClock(),
            EntropySeed = 0,
            SerialOutput = description.HasSerial ? static _ => { } : null,
            LoggedPorts = description.LoggedPorts,
            DebugExitPort = description.DebugExitPort,
        });
        watch = new Timer(_ => machine.Cpu.RequestExit(), null, LookInterval, LookInterval);
        try
        {
            SnapshotFile.Restore(machine, snapshot);
            Approach(entry, instructions);
            ulong stack = machine.Cpu.Regs.Rsp;
            ReturnAddress = Word(stack);
            (buffer, room) = is64 ? (machine.Cpu.Regs.Rdi, machine.Cpu.Regs.Rsi) : (Word(stack + 4), Word(stack + 8));
            foreach (ulong address in target.CrashAddresses)
            {
                machine.Cpu.AddHook(address);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public VirtualMachine Machine => machine.Vm;

    /// <summary>Where the function returns to.</summary>
    public ulong ReturnAddress { get; }

    /// <summary>Nothing will wake the processor.</summary>
    public bool SleepsForEver => machine.Cpu is { MpState: MpState.Halted, InterruptFlag: false };

    /// <summary>Puts an input in.</summary>
    public void Inject(ReadOnlySpan<byte> input)
    {
        input = input[..(int)Math.Min((ulong)input.Length, Math.Min(room, FuzzSession.MostInput))];
        machine.Cpu.TryWriteLinear(buffer, input);
        if (is64)
        {
            machine.Cpu.Regs.Rsi = (ulong)input.Length;
            return;
        }

        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteInt32LittleEndian(length, input.Length);
        machine.Cpu.TryWriteLinear(machine.Cpu.Regs.Rsp + 8, length);
    }

    /// <summary>Where nothing is, the bus floats.</summary>
    public bool Serve(Vcpu cpu, in VcpuExit exit)
    {
        switch (exit.Reason)
        {
            case ExitReason.Io or ExitReason.Mmio:
                if (!exit.IsWrite)
                {
                    (exit.Reason == ExitReason.Io ? cpu.IoData : cpu.MmioData).Fill(0xFF);
                }

                return true;
            case ExitReason.Interrupted:
                return !SleepsForEver;
            default:
                return false;
        }
    }

    public void Dispose()
    {
        watch.Dispose();
        machine.Dispose();
    }

    void Approach(ulong entry, long left)
    {
        machine.Cpu.AddHook(entry);
        VcpuExit exit;
        do
        {
            exit = machine.Cpu.Run(left);
            left -= exit.InstructionsRetired;
        }
        while (Serve(machine.Cpu, exit));
        machine.Cpu.RemoveHook(entry);
        if (exit.Reason != ExitReason.Hook)
        {
            throw new InputException($"The machine of the snapshot does not come to {entry:x}h ({exit.Reason}).");
        }
    }

    ulong Word(ulong address)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        word.Clear();
        return machine.Cpu.TryReadLinear(address, word[..(is64 ? 8 : 4)])
            ? BinaryPrimitives.ReadUInt64LittleEndian(word)
            : throw new InputException($"The stack at {address:x}h cannot be read.");
    }
}
