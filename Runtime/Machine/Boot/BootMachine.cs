using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Boot;

/// <summary>A small PC that runs one ROM or kernel: memory, one processor, a serial port, and ports for tests. What is not there reads as all ones.</summary>
public sealed class BootMachine : IDisposable
{
    const ushort SerialPort = 0x3F8;
    const int RomSlot = 10, HighRomSlot = 11;
    const ulong Megabyte = 1 << 20, FourGigabytes = 1UL << 32, LargestLowRom = 256 << 10, PageSize = 4096;

    volatile bool isStopping;

    /// <summary>Builds the machine and loads the ROM or kernel.</summary>
    /// <param name="options">What it is made of.</param>
    /// <exception cref="BootException">The ROM or kernel cannot be loaded, or the memory size is impossible.</exception>
    public BootMachine(BootOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        MemoryMap map = new(options.Memory);
        if (options.Memory < MemoryMap.Smallest || options.Memory % PageSize != 0)
        {
            throw new BootException($"A machine has at least {MemoryMap.Smallest} bytes of memory, in whole pages of {PageSize}.");
        }
        Vm = new VirtualMachine();
        try
        {
            map.Allocate(Vm, Megabyte - LowRomSize(options.Rom));
            Cpu = Vm.CreateVcpu(options.CpuModel);
            if (options.Rom != null)
            {
                MapRom(options.Rom);
            }
            if (options.Kernel != null)
            {
                Multiboot.Load(Vm, Cpu, options.Kernel, options.CommandLine, options.Module, map);
            }
            AttachDevices(options);
        }
        catch
        {
            Vm.Dispose();
            throw;
        }
    }

    /// <summary>How many bytes from the beginning of a file on a Multiboot header may lie.</summary>
    public const int MultibootSearchLength = Multiboot.SearchedBytes;

    /// <summary>Whether a file is a Multiboot kernel.</summary>
    /// <param name="file">The file, or its first <see cref="MultibootSearchLength"/> bytes.</param>
    public static bool HasMultibootHeader(ReadOnlySpan<byte> file) => Multiboot.FindHeader(file) >= 0;

    /// <summary>The machine.</summary>
    public VirtualMachine Vm { get; }

    /// <summary>The processor.</summary>
    public Vcpu Cpu { get; }

    /// <summary>The serial port, if there is one.</summary>
    public Uart16550? Serial { get; private set; }

    /// <summary>Runs until the machine comes to its end.</summary>
    /// <param name="limit">The most instructions to retire.</param>
    /// <param name="run">Runs the processor: <see cref="Vcpu.Run"/>, or what a debugger puts in its place.</param>
    public BootResult Run(long limit = long.MaxValue, Func<Vcpu, long, VcpuExit>? run = null)
    {
        run ??= static (cpu, instructions) => cpu.Run(instructions);
        long retired = 0;
        while (true)
        {
            VcpuExit exit = run(Cpu, limit - retired);
            retired += exit.InstructionsRetired;
            switch (exit.Reason)
            {
                case ExitReason.Io:
                    Float(Cpu.IoData, exit.IsWrite);
                    break;
                case ExitReason.Mmio:
                    Float(Cpu.MmioData, exit.IsWrite);
                    break;
                case ExitReason.SystemEvent:
                    return new BootResult(BootEnd.DebugExit, (int)exit.Data, exit, retired);
                case ExitReason.Hlt:
                    return new BootResult(BootEnd.Halted, 0, exit, retired);
                case ExitReason.Shutdown:
                    return new BootResult(BootEnd.Shutdown, 0, exit, retired);
                case ExitReason.InstructionLimit:
                    return new BootResult(BootEnd.Limit, 0, exit, retired);
                case ExitReason.Interrupted:
                    if (isStopping)
                    {
                        return new BootResult(BootEnd.Stopped, 0, exit, retired);
                    }
                    break;
                default:
                    return new BootResult(BootEnd.Failed, 0, exit, retired);
            }
        }
    }

    /// <summary>Ends the run soon. From any thread.</summary>
    public void Stop()
    {
        isStopping = true;
        Cpu.RequestExit();
    }

    /// <summary>Returns all memory.</summary>
    public void Dispose() => Vm.Dispose();

    static void Float(Span<byte> data, bool isWrite)
    {
        if (!isWrite)
        {
            data.Fill(0xFF);
        }
    }

    static ulong LowRomSize(byte[]? rom) => Math.Min((ulong)(rom?.Length ?? 0), LargestLowRom);

    /// <summary>The whole ROM ends at 4 GiB; below 1 MiB is its last part.</summary>
    void MapRom(byte[] rom)
    {
        ulong size = (ulong)rom.Length, low = LowRomSize(rom);
        if (size % PageSize != 0 || size > FourGigabytes / 256)
        {
            throw new BootException($"The ROM has {size} bytes; it has to be a multiple of {PageSize}, and at most {FourGigabytes / 256}.");
        }
        Vm.MapMemory(HighRomSlot, FourGigabytes - size, rom, MemorySlotOptions.ReadOnly);
        Vm.MapMemory(RomSlot, Megabyte - low, rom.AsMemory((int)(size - low)), MemorySlotOptions.ReadOnly);
    }

    void AttachDevices(BootOptions options)
    {
        if (options.SerialOutput != null)
        {
            Serial = new Uart16550(options.SerialOutput);
            Vm.AttachPorts(SerialPort, Uart16550.PortCount, Serial);
        }
        Vm.AttachPorts(FirmwareConfiguration.FirstPort, FirmwareConfiguration.PortCount, new FirmwareConfiguration(1, options.Memory));
        foreach (ushort port in options.LoggedPorts)
        {
            Attach(port, new PortLog(port, options.Log));
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
