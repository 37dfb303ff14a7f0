using FastVcpu.Machine.Devices.Pci;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>Configuration mechanism 1 and base address registers.</summary>
public sealed class PciTests : IDisposable
{
    const int Address = 0, Data = 4;

    readonly VirtualMachine vm = new();
    readonly PciHost host;
    readonly Board board = new();

    public PciTests()
    {
        host = new PciHost(vm);
        host.Add(0, 0, new HostBridge());
        host.Add(2, 0, board);
    }

    public void Dispose() => vm.Dispose();

    [Fact]
    public void FunctionsAnswerAndWhatIsNotThereReadsAsOnes()
    {
        Assert.Equal(0x12378086u, Get(0, 0));
        Assert.Equal(0x56781234u, Get(2, 0));
        Assert.Equal(uint.MaxValue, Get(3, 0));
        host.Out(Address, 0x80010000, 4);
        Assert.Equal(uint.MaxValue, host.In(Data, 4));
        host.Out(Address, 0, 4);
        Assert.Equal(uint.MaxValue, host.In(Data, 4));
    }

    [Fact]
    public void TheAddressRegisterIsWrittenAsAWholeOnly()
    {
        host.Out(Address, 0x80001000, 4);
        host.Out(Address, 0xFF);
        Assert.Equal(0x80001000u, host.In(Address, 4));
    }

    [Fact]
    public void RegistersThatAreReadOnlyStay()
    {
        Set(2, 0, 0);
        Assert.Equal(0x56781234u, Get(2, 0));
    }

    [Fact]
    public void BaseAddressRegistersTellTheirSize()
    {
        Set(2, 0x10, uint.MaxValue);
        Assert.Equal(0xFFFFF000u, Get(2, 0x10));
        Set(2, 0x14, uint.MaxValue);
        Assert.Equal(0xFFFFFFE1u, Get(2, 0x14));
        Set(2, 0x18, uint.MaxValue);
        Assert.Equal(0u, Get(2, 0x18));
    }

    [Fact]
    public void ARangeAnswersWhereItsRegisterSays()
    {
        Set(2, 0x14, 0xC000);
        Assert.True(IsFree(0xC000));
        Set(2, 4, 1);
        Assert.False(IsFree(0xC000));
        Set(2, 0x14, 0xC100);
        Assert.True(IsFree(0xC000));
        Assert.False(IsFree(0xC100));
        Set(2, 4, 0);
        Assert.True(IsFree(0xC100));
    }

    [Fact]
    public void ARangeOverAnotherDeviceIsNotAnswered()
    {
        vm.AttachPorts(0x3F8, 8, new Uart16550(_ => { }));
        Set(2, 4, 1);
        Set(2, 0x14, 0x3E0);
        Assert.True(IsFree(0x3E0));
    }

    [Fact]
    public void TheInterruptObeysTheCommandRegister()
    {
        List<bool> levels = [];
        board.Interrupt = levels.Add;
        board.Raise();
        Assert.Equal(8u, Get(2, 4) >> 16 & 8);
        Set(2, 4, 0x400);
        Set(2, 4, 0);
        Assert.Equal([true, false, true], levels);
    }

    [Fact]
    public void FirmwareGivesAddressesOnce()
    {
        host.Assign(PcDevices.InterruptOfSlot);
        Assert.Equal(PciHost.MemoryWindow, Get(2, 0x10));
        Assert.Equal(PciHost.PortWindow | 1, Get(2, 0x14));
        Assert.Equal(3u, Get(2, 4) & 3);
        Assert.Equal(10u, Get(2, 0x3C) & 0xFF);
    }

    [Fact]
    public void PortCF9ResetsTheMachine()
    {
        using Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        host.Out(1, 6);
        Assert.Equal(SystemEventType.Reset, cpu.Run().SystemEvent);
    }

    uint Get(int device, int register)
    {
        host.Out(Address, 0x80000000 | (ulong)device << 11 | (uint)register, 4);
        return host.In(Data, 4);
    }

    void Set(int device, int register, uint value)
    {
        host.Out(Address, 0x80000000 | (ulong)device << 11 | (uint)register, 4);
        host.Out(Data, value, 4);
    }

    bool IsFree(ushort port)
    {
        Uart16550 probe = new(_ => { });
        try
        {
            vm.AttachPorts(port, 1, probe);
            vm.Detach(probe);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    sealed class Board : PciFunction
    {
        public Board()
            : base(0x1234, 0x5678, 0xFF0000)
        {
            Uart16550 device = new(_ => { });
            AddBar(0, 0x1000, isPorts: false, device);
            AddBar(1, 0x20, isPorts: true, device);
            UseInterrupt();
        }

        public void Raise() => SetInterrupt(true);
    }
}
