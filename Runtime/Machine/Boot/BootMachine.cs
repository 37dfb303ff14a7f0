using System.Collections.Concurrent;
using FastVcpu.Machine.Acpi;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Boot;

/// <summary>A small PC that runs one ROM or kernel: memory, processors, devices, and ports for tests. What is not there reads as all ones.</summary>
public sealed class BootMachine : IDisposable, IStateful
{
    const uint TablesAddress = 0xE0000;
    const string RunPart = "run", TimePart = "clock";
    const int MostProcessors = 64, RomSlot = 10, HighRomSlot = 11;
    const ulong Megabyte = 1 << 20, FourGigabytes = 1UL << 32, LargestLowRom = 256 << 10, LargestRom = 16 << 20, PageSize = 4096;

    static readonly string[] keptByReset = [RunPart, TimePart, .. PcDevices.KeptByReset];

    readonly BootOptions options;
    readonly MemoryMap map;
    readonly IReadOnlyDictionary<string, byte[]> powerOn;
    readonly PcDevices devices;
    readonly RoundRobin turns;
    readonly MachineDescription description;
    readonly ConcurrentQueue<Task> questions = new();
    volatile MachineRun? running;
    volatile bool isStopping;
    long retired;

    /// <summary>Builds the machine and loads the ROM or kernel.</summary>
    /// <param name="options">What it is made of.</param>
    /// <exception cref="BootException">The ROM or kernel cannot be loaded, or the memory size is impossible.</exception>
    public BootMachine(BootOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options;
        map = new(options.Memory);
        if (options.Memory < MemoryMap.Smallest || options.Memory % PageSize != 0)
        {
            throw new BootException($"A machine has at least {MemoryMap.Smallest} bytes of memory, in whole pages of {PageSize}.");
        }
        if (options.Processors is < 1 or > MostProcessors)
        {
            throw new BootException($"A machine has 1 to {MostProcessors} processors.");
        }
        CheckRomSize(options.Rom);
        CheckRomSize(options.Firmware);
        description = MachineDescription.Of(options);
        Vm = new VirtualMachine(options.Clock);
        try
        {
            map.Allocate(Vm, Megabyte - LowRomSize(options.Rom));
            Vm.CreateIrqChip();
            Vm.CreatePit();
            for (int i = 0; i < options.Processors; i++)
            {
                Vm.CreateVcpu(ModelOf(options.CpuModel));
            }
            turns = new RoundRobin(Vm);
            Vm.AddState(RunPart, this);
            devices = new PcDevices(Vm, options, map);
            AttachTestPorts(options, map);
            if (options.Rom != null)
            {
                MapRom(options.Rom);
            }
            if (options.Firmware != null)
            {
                MapFirmware(options.Firmware);
            }
            powerOn = Vm.SaveState().Where(part => !keptByReset.Contains(part.Key)).ToDictionary();
            Load();
        }
        catch
        {
            Vm.Dispose();
            throw;
        }
    }

    /// <summary>How many bytes from the beginning of a file on a Multiboot header may lie.</summary>
    public const int MultibootSearchLength = Multiboot2Header.SearchedBytes;

    /// <summary>Whether a file is a Multiboot kernel.</summary>
    /// <param name="file">The file, or its first <see cref="MultibootSearchLength"/> bytes.</param>
    public static bool HasMultibootHeader(ReadOnlySpan<byte> file) => Multiboot.FindHeader(file) >= 0 || Multiboot2Header.Find(file) >= 0;

    /// <summary>The machine.</summary>
    public VirtualMachine Vm { get; }

    /// <summary>The processor that starts.</summary>
    public Vcpu Cpu => Processors[0];

    /// <summary>All processors.</summary>
    public IReadOnlyList<Vcpu> Processors => Vm.Vcpus;

    /// <summary>The serial port, if there is one.</summary>
    public Uart16550? Serial => devices.Serial;

    /// <summary>What stands on the text screen.</summary>
    public string Screen => devices.Screen();

    /// <summary>A picture of the text screen, as PNG.</summary>
    public byte[] ScreenPicture() => devices.ScreenPicture();

    /// <summary>Somebody presses the power button. From any thread.</summary>
    public void PressPowerButton() => devices.Power.PressPowerButton();

    /// <summary>Runs until the machine comes to its end: each processor on a thread of its own or, with a clock that follows the instructions, all in turn on this one.</summary>
    /// <param name="limit">The most instructions to retire.</param>
    /// <param name="run">Runs a processor: <see cref="Vcpu.Run"/>, or what a debugger puts in its place.</param>
    public BootResult Run(long limit = long.MaxValue, Func<Vcpu, long, VcpuExit>? run = null)
    {
        BootResult result = RunOnce(limit, run);
        while (result.End is BootEnd.Reset or BootEnd.Shutdown && HasProgram && options.Restarts?.Invoke(result) == true)
        {
            Reset();
            result = RunOnce(limit, run);
        }
        isStopping = false;
        return result;
    }

    /// <summary>
    /// Somebody presses the reset button: processors and devices are what they are after power-on, and the ROM or kernel starts again. Memory, time and disk stay as they are. No
    /// processor may be running.
    /// </summary>
    public void Reset()
    {
        devices.Clock.Reset();
        Vm.RestoreState(powerOn);
        Load();
    }

    /// <summary>Instructions retired since the machine was switched on; exact while no processor runs.</summary>
    public long InstructionsRetired => running?.Retired ?? retired;

    /// <summary>Copies the state of the whole machine. No processor may be running: between two runs, or in <see cref="Ask"/>.</summary>
    public MachineSnapshot TakeSnapshot()
    {
        MachineSnapshot snapshot = Vm.TakeSnapshot();
        snapshot.Description = description.ToString();
        return snapshot;
    }

    /// <summary>
    /// Makes the machine what it was, instructions retired included. No processor may be running: between two runs, or in <see cref="Ask"/>. A disk that is a file is to hold what it
    /// held then; what waits in a stream at the serial port is not a part of the machine.
    /// </summary>
    /// <param name="snapshot">Taken of this machine, or of one with the same devices, processors and memory.</param>
    /// <exception cref="SnapshotException">It is of another machine, or has values that cannot be. Nothing has changed.</exception>
    public void Restore(MachineSnapshot snapshot) => Vm.Restore(snapshot);

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        long instructions = InstructionsRetired;
        state.Value(ref instructions, 0, long.MaxValue);
        state.Part(turns);
        if (state.IsRestoring)
        {
            retired = instructions;
            if (running is { } run)
            {
                run.Retired = instructions;
            }
        }
    }

    /// <summary>Asks something of the machine while it runs: it stands still while it is answered. From any thread but its own.</summary>
    /// <param name="question">Answered on a thread of the machine.</param>
    public T Ask<T>(Func<T> question)
    {
        ArgumentNullException.ThrowIfNull(question);
        Task<T> task = new(question);
        questions.Enqueue(task);
        running?.Interrupt();
        return task.GetAwaiter().GetResult();
    }

    /// <summary>A hash of the state of the whole machine: processors, controllers, clock, devices, memory.</summary>
    public string Hash() => Convert.ToHexStringLower(Vm.StateHash());

    /// <summary>Ends the run, or the next one, soon. From any thread.</summary>
    public void Stop()
    {
        isStopping = true;
        running?.Stop();
    }

    /// <summary>Returns all memory.</summary>
    public void Dispose() => Vm.Dispose();

    /// <summary>A machine that goes on from a snapshot has none.</summary>
    bool HasProgram => (options.Rom ?? options.Firmware ?? options.Kernel) != null;

    BootResult RunOnce(long limit, Func<Vcpu, long, VcpuExit>? run)
    {
        using MachineRun machineRun = new(Vm, turns, devices.NumericErrors, limit, run, questions, InstructionsRetired);
        running = machineRun;
        if (isStopping)
        {
            machineRun.Stop();
        }
        BootResult result = machineRun.Run();
        running = null;
        retired = result.Instructions;
        return result;
    }

    static void CheckRomSize(byte[]? rom)
    {
        if (rom != null && (rom.Length == 0 || rom.Length % (int)PageSize != 0 || rom.Length > (int)LargestRom))
        {
            throw new BootException($"The ROM has {rom.Length} bytes; it has to be a multiple of {PageSize}, and at most {LargestRom}.");
        }
    }

    /// <summary>What is in memory when the processor starts.</summary>
    void Load()
    {
        if (options.Firmware is { } firmware)
        {
            // Firmware copies itself into the memory below 1 MiB; it is there from the start.
            ulong low = LowRomSize(firmware);
            BootMemory.Write(Vm, Megabyte - low, firmware.AsSpan(firmware.Length - (int)low));
        }
        else if (options.Kernel != null)
        {
            devices.Pci.Assign(PcDevices.InterruptOfSlot);
            BootMemory.Write(Vm, TablesAddress, devices.Tables.At(TablesAddress));
            KernelLoader.Load(Vm, Cpu, options, map, TablesAddress);
        }
    }

    /// <summary>
    /// As with KVM, there is no MONITOR: an operating system that idles with MWAIT wakes the others by stores instead of interrupts, which takes a look at memory again and again.
    /// </summary>
    static CpuModel ModelOf(CpuModel model) => model.Has(CpuFeature.Monitor) ? model.Without(CpuFeature.Monitor) : model;

    static ulong LowRomSize(byte[]? rom) => Math.Min((ulong)(rom?.Length ?? 0), LargestLowRom);

    /// <summary>The whole ROM ends at 4 GiB; below 1 MiB is its last part.</summary>
    void MapRom(byte[] rom)
    {
        ulong size = (ulong)rom.Length, low = LowRomSize(rom);
        Vm.MapMemory(HighRomSlot, FourGigabytes - size, rom, MemorySlotOptions.ReadOnly);
        Vm.MapMemory(RomSlot, Megabyte - low, rom.AsMemory((int)(size - low)), MemorySlotOptions.ReadOnly);
    }

    void MapFirmware(byte[] firmware) => Vm.MapMemory(HighRomSlot, FourGigabytes - (ulong)firmware.Length, firmware, MemorySlotOptions.ReadOnly);

    void AttachTestPorts(BootOptions options, MemoryMap map)
    {
        FirmwareConfiguration configuration = new FirmwareConfiguration(options.Processors, options.Memory);
        TableLoader.Publish(devices.Tables, configuration);
        if (devices.Serial != null)
        {
            // There is no graphics adapter; SeaBIOS takes the serial port as its console instead.
            configuration.AddFile("etc/sercon-port", [PcDevices.SerialPort & 0xFF, PcDevices.SerialPort >> 8]);
        }
        if (options is { Firmware: not null, Kernel: not null })
        {
            LinuxBootRom.Publish(Vm, configuration, options, map);
        }
        Vm.AttachPorts(FirmwareConfiguration.FirstPort, FirmwareConfiguration.PortCount, configuration);
        Vm.AddState("firmware configuration", configuration);
        foreach (ushort port in options.LoggedPorts)
        {
            PortLog log = new(port, options.Log);
            Attach(port, log);
            Vm.AddState($"port log {port:x}h", log);
        }
        if (options.DebugExitPort is { } exit)
        {
            Attach(exit, new DebugExitPort(Vm));
        }
    }

    void Attach(ushort port, IDevice device)
    {
        try
        {
            Vm.AttachPorts(port, 1, device);
        }
        catch (ArgumentException)
        {
            throw new BootException($"Port {port:x}h belongs to two devices.");
        }
    }
}
