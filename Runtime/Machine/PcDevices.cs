using FastVcpu.Machine.Acpi;
using FastVcpu.Machine.Boot;
using FastVcpu.Machine.Devices;
using FastVcpu.Machine.Devices.Pci;
using FastVcpu.Machine.Devices.Virtio;

namespace FastVcpu.Machine;

/// <summary>The devices of a PC and where they are connected.</summary>
sealed class PcDevices
{
    /// <summary>First port of the serial port.</summary>
    public const ushort SerialPort = 0x3F8;

    const string ClockPart = "real-time clock", DiskPart = "disk", EntropyPart = "entropy";
    const int KeyboardLine = 1, SerialLine = 4, ClockLine = 8, MouseLine = 12, NumericErrorLine = 13;
    const int DiskSlot = 2, EntropySlot = 3, BridgeSlot = 1;
    const int VideoSlot = 4;
    const ulong VideoMemory = 0xA0000, VideoMemorySize = 0x20000, TextBuffer = 0xB8000;

    readonly VirtualMachine vm;

    public PcDevices(VirtualMachine vm, BootOptions options, MemoryMap map)
    {
        this.vm = vm;
        if (options.SerialOutput != null)
        {
            Serial = new Uart16550(options.SerialOutput, Line(SerialLine));
            vm.AttachPorts(SerialPort, Uart16550.PortCount, Serial);
            vm.AddState("serial port", Serial);
        }
        Clock = new RealTimeClock(vm.Clock, options.StartTime, Line(ClockLine));
        DescribeMemory(map, options.Processors);
        vm.AttachPorts(RealTimeClock.FirstPort, RealTimeClock.PortCount, Clock);
        vm.AddState(ClockPart, Clock);
        Keyboard = new KeyboardController(vm, Line(KeyboardLine), Line(MouseLine));
        vm.AttachPorts(KeyboardController.DataPort, 1, Keyboard.Data);
        vm.AttachPorts(KeyboardController.CommandPort, 1, Keyboard.Command);
        vm.AddState("keyboard controller", Keyboard);
        vm.AttachPorts(SystemControlPort.Port, 1, new SystemControlPort(vm));
        NumericErrors = new NumericErrorPort(vm, Line(NumericErrorLine));
        vm.AttachPorts(NumericErrorPort.Port, 1, NumericErrors);
        Power = new PowerManagement(vm, Line(AcpiTables.SystemControlInterrupt));
        vm.AttachPorts(PowerManagement.FirstPort, PowerManagement.PortCount, Power);
        vm.AddState("power management", Power);
        vm.AllocateMemory(VideoSlot, VideoMemory, VideoMemorySize);
        vm.AttachPorts(VgaRegisters.FirstPort, VgaRegisters.PortCount, Video);
        vm.AddState("video", Video);
        if (options.DebugOutput is { } debug)
        {
            vm.AttachPorts(DebugConsole.BochsPort, 1, new DebugConsole((byte)DebugConsole.BochsPort, debug));
            vm.AttachPorts(DebugConsole.FirmwarePort, 1, new DebugConsole((byte)DebugConsole.BochsPort, debug));
        }
        Pci = AddPci(options);
        Tables = AcpiTables.Build(options.Processors, InterruptOfSlot);
    }

    /// <summary>Parts of the machine's state that a reset leaves alone.</summary>
    public static IReadOnlyList<string> KeptByReset { get; } = [ClockPart, DiskPart, EntropyPart];

    public Uart16550? Serial { get; }

    public RealTimeClock Clock { get; }

    public KeyboardController Keyboard { get; }

    public NumericErrorPort NumericErrors { get; }

    public PowerManagement Power { get; }

    public VgaRegisters Video { get; } = new();

    public PciHost Pci { get; }

    public AcpiTables Tables { get; }

    /// <summary>The interrupt of pin A of a PCI device: the routes that firmware for this host bridge gives.</summary>
    public static byte InterruptOfSlot(int slot) => ((slot - 1) & 3) < 2 ? (byte)10 : (byte)11;

    /// <summary>What stands on the text screen.</summary>
    public string Screen() => TextScreen.Render(Cells());

    /// <summary>A picture of the text screen, as PNG.</summary>
    public byte[] ScreenPicture()
    {
        byte[] font = new byte[ScreenImage.FontBytes];
        // A guest loads it into plane 2, which it sees at the start of the video memory.
        vm.TryReadPhysical(VideoMemory, font);
        return ScreenImage.Draw(Cells(), font, Video.Text.Cursor - Video.Text.Start);
    }

    byte[] Cells()
    {
        byte[] cells = new byte[TextScreen.Bytes];
        vm.TryReadPhysical(TextBuffer + (ulong)Video.Text.Start * 2 % (VideoMemory + VideoMemorySize - TextBuffer - TextScreen.Bytes), cells);
        return cells;
    }

    Action<bool> Line(int number) => level => vm.SetIrqLine(number, level);

    PciHost AddPci(BootOptions options)
    {
        PciHost host = new(vm);
        vm.AttachPorts(PciHost.FirstPort, PciHost.PortCount, host);
        SharedLine[] lines = [new(Line(InterruptOfSlot(1))), new(Line(InterruptOfSlot(3)))];
        vm.AddState("PCI", host);
        vm.AddState("PCI interrupt 1", lines[0]);
        vm.AddState("PCI interrupt 2", lines[1]);
        void Add(int slot, PciFunction function)
        {
            function.Interrupt = lines[InterruptOfSlot(slot) == InterruptOfSlot(1) ? 0 : 1].Connect();
            host.Add(slot, 0, function);
        }

        host.Add(0, 0, new HostBridge());
        host.Add(BridgeSlot, 0, new IsaBridge());
        if (options.Disk != null)
        {
            Add(DiskSlot, new VirtioBlock(vm, options.Disk));
            if (options.Disk is IStateful kept)
            {
                vm.AddState(DiskPart, kept);
            }
        }
        Add(EntropySlot, new VirtioEntropy(vm, Entropy(options)));
        return host;
    }

    /// <summary>A sequence that begins with a seed is a part of the machine: a snapshot goes on with it.</summary>
    VirtioEntropy.Source Entropy(BootOptions options)
    {
        if (options.EntropySeed is not { } seed)
        {
            return options.Entropy;
        }
        RandomSequence sequence = new(seed);
        vm.AddState(EntropyPart, sequence);
        return sequence.Fill;
    }

    /// <summary>Where firmware looks for the sizes of memory and the number of processors.</summary>
    void DescribeMemory(MemoryMap map, int processors)
    {
        const int BaseLow = 0x15, ExtendedLow = 0x17, ExtendedAgain = 0x30, Above16Low = 0x34, Above4GLow = 0x5B, OtherProcessors = 0x5F;
        const ulong Kilobyte = 1 << 10, Megabyte = 1 << 20, Unit = 64 << 10, Most = ushort.MaxValue;
        void Word(int register, ulong value) => (Clock[register], Clock[register + 1]) = ((byte)value, (byte)(value >> 8));
        ulong extended = Math.Min((map.BelowHole - Megabyte) / Kilobyte, Most), above16 = map.BelowHole > 16 * Megabyte ? map.BelowHole - 16 * Megabyte : 0;
        Word(BaseLow, 640);
        Word(ExtendedLow, extended);
        Word(ExtendedAgain, extended);
        Word(Above16Low, Math.Min(above16 / Unit, Most));
        Word(Above4GLow, map.AboveFourGigabytes / Unit);
        Clock[Above4GLow + 2] = (byte)(map.AboveFourGigabytes / Unit >> 16);
        Clock[OtherProcessors] = (byte)(processors - 1);
    }
}
