using System.Diagnostics;
using FastVcpu.Machine.Boot;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Fuzz.Devices;

/// <summary>
/// PCs whose guest attacks their devices. The devices keep what earlier rounds have done to them; the processors begin each round anew. What must not happen: an exception in
/// the host, and a run that does not come to its end.
/// </summary>
sealed class DeviceFuzzer
{
    const ulong Memory = 16 << 20;
    const uint CodeAddress = 0x200000, CodeDistance = 0x10000, HandlerAddress = 0x1F0000, InterruptTable = 0x1F1000, StackAddress = 0x1F0000;
    const int Rounds = 64, Instructions = 30_000, Vectors = 256, GateSize = 8;
    const ushort DebugExit = 0x501, Log = 0x80;

    static readonly TimeSpan patience = TimeSpan.FromMinutes(10);

    /// <summary>Instructions retired by all guests.</summary>
    public long Retired { get; private set; }

    /// <summary>How many rounds have ended how.</summary>
    public SortedDictionary<BootEnd, int> Ends { get; } = [];

    /// <summary>The longest round.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>Runs one machine for some rounds; null, or what has gone wrong.</summary>
    public string? Run(int seed)
    {
        Random random = new(seed);
        bool countsInstructions = random.Next(2) == 0;
        int processors = random.Next(1, 4);
        BootOptions options = new()
        {
            Kernel = [0xF4],
            Memory = Memory,
            Processors = processors,
            Clock = countsInstructions ? new InstructionClock() : new RealClock(),
            Disk = random.Next(2) == 0 ? new EndlessDisk() : new MemoryDisk(new byte[1 << 20]),
            SerialOutput = _ => { },
            DebugOutput = _ => { },
            LoggedPorts = [Log],
            DebugExitPort = DebugExit,
        };
        BootMachine machine = new(options);
        machine.Serial!.Source = () => random.Next(64) == 0 ? (byte)random.Next(256) : null;
        WriteHandlers(machine);
        VcpuState start = machine.Cpu.SaveState();
        HostileCode code = new(random);
        for (int round = 0; round < Rounds; round++)
        {
            if (Round(machine, start, code, random) is { } finding)
            {
                // It may run still, so it keeps its memory.
                return $"machine {seed}, round {round}, {processors} processors: {finding}";
            }
        }
        machine.Dispose();
        return null;
    }

    string? Round(BootMachine machine, VcpuState start, HostileCode code, Random random)
    {
        machine.Vm.TryWritePhysical(HostileRing.Base, HostileRing.Next(random));
        for (int i = 0; i < machine.Processors.Count; i++)
        {
            Vcpu cpu = machine.Processors[i];
            machine.Vm.TryWritePhysical(CodeAddress + (ulong)i * CodeDistance, code.Next());
            cpu.RestoreState(start);
            cpu.MpState = MpState.Runnable;
            cpu.Regs.Rip = CodeAddress + (ulong)i * CodeDistance;
            cpu.Regs.Rsp = StackAddress - (ulong)i * CodeDistance;
            cpu.SystemRegisters = cpu.SystemRegisters with { Idt = new TableRegister(InterruptTable, Vectors * GateSize - 1) };
        }
        Stopwatch watch = Stopwatch.StartNew();
        long before = machine.InstructionsRetired;
        // A guest that sleeps is woken by the limit of its time, not by the limit of its instructions.
        using Timer nap = new(_ => machine.Stop(), null, TimeSpan.FromMilliseconds(200), Timeout.InfiniteTimeSpan);
        Task<BootResult> run = Task.Run(() => machine.Run(before + Instructions));
        try
        {
            if (!run.Wait(patience))
            {
                return $"does not end within {patience.TotalMinutes} minutes";
            }
        }
        catch (AggregateException error)
        {
            return error.InnerException!.ToString();
        }
        Ends[run.Result.End] = Ends.GetValueOrDefault(run.Result.End) + 1;
        Retired += machine.InstructionsRetired - before;
        Slowest = watch.Elapsed > Slowest ? watch.Elapsed : Slowest;
        return null;
    }

    /// <summary>Every interrupt is ended and returned from; a fault with an error code gets the stack wrong, which is a guest's own affair.</summary>
    static void WriteHandlers(BootMachine machine)
    {
        byte[] handler =
        [
            0x50,                                     // push eax
            0xB0, 0x20, 0xE6, 0x20, 0xE6, 0xA0,       // mov al, 20h; out 20h, al; out a0h, al
            0xA3, 0xB0, 0x00, 0xE0, 0xFE,             // mov [fee000b0h], eax
            0x58, 0xCF,                               // pop eax; iret
        ];
        machine.Vm.TryWritePhysical(HandlerAddress, handler);
        ushort selector = machine.Cpu.SystemRegisters.Cs.Selector;
        byte[] gate = [unchecked((byte)HandlerAddress), (byte)((HandlerAddress >> 8) & 0xFF), (byte)selector, (byte)(selector >> 8), 0, 0x8E, (byte)(HandlerAddress >> 16), 0];
        for (int vector = 0; vector < Vectors; vector++)
        {
            machine.Vm.TryWritePhysical(InterruptTable + (ulong)(vector * GateSize), gate);
        }
    }
}
