namespace FastVcpu.Machine.Tests.Devices;

/// <summary>The 8042 and the devices behind it, as drivers probe them.</summary>
public sealed class KeyboardControllerTests : IDisposable
{
    readonly VirtualMachine vm = new();
    readonly List<bool> keyboardLine = [], mouseLine = [];
    readonly KeyboardController controller;

    public KeyboardControllerTests() => controller = new KeyboardController(vm, keyboardLine.Add, mouseLine.Add);

    public void Dispose() => vm.Dispose();

    [Fact]
    public void TestsItself()
    {
        Assert.Equal([0x55u], Answer(0xAA));
        Assert.Equal([0u], Answer(0xAB));
        Assert.Equal([0u], Answer(0xA9));
    }

    [Fact]
    public void KeepsItsCommandByte()
    {
        controller.Command.Out(0, 0x60);
        controller.Data.Out(0, 0x47);
        Assert.Equal([0x47u], Answer(0x20));
    }

    [Fact]
    public void TheKeyboardTellsWhatItIs()
    {
        controller.Data.Out(0, 0xF2);
        Assert.Equal([0xFAu, 0xABu, 0x83u], Drain());
        controller.Data.Out(0, 0xFF);
        Assert.Equal([0xFAu, 0xAAu], Drain());
    }

    [Fact]
    public void TheMouseIsBehindCommandD4()
    {
        controller.Command.Out(0, 0xD4);
        controller.Data.Out(0, 0xFF);
        Assert.Equal(0x21u, controller.Command.In(0) & 0x21);
        Assert.Equal([0xFAu, 0xAAu, 0u], Drain());
        Assert.Equal([true, false, true, false, true, false], mouseLine);
        Assert.Empty(keyboardLine);
    }

    [Fact]
    public void CommandD3GivesAByteBackAsTheMouses()
    {
        controller.Command.Out(0, 0xD3);
        controller.Data.Out(0, 0x5A);
        Assert.Equal(0x21u, controller.Command.In(0) & 0x21);
        Assert.Equal([0x5Au], Drain());
    }

    [Fact]
    public void ScanCodesInterruptOneByOne()
    {
        controller.Type([0x1E, 0x9E]);
        Assert.Equal([true], keyboardLine);
        Assert.Equal([0x1Eu, 0x9Eu], Drain());
        Assert.Equal([true, false, true, false], keyboardLine);
    }

    [Fact]
    public void WhatNobodyReadsIsLostAtLast()
    {
        for (int i = 0; i < 1000; i++)
        {
            controller.Data.Out(0, 0xF2);
        }
        Assert.InRange(Drain().Length, 1, 100);
    }

    [Fact]
    public void CommandFEResetsTheMachine()
    {
        using Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        controller.Command.Out(0, 0xFE);
        Assert.Equal(SystemEventType.Reset, cpu.Run().SystemEvent);
    }

    uint[] Answer(byte command)
    {
        controller.Command.Out(0, command);
        return Drain();
    }

    uint[] Drain()
    {
        List<uint> bytes = [];
        while ((controller.Command.In(0) & 1) != 0)
        {
            bytes.Add(controller.Data.In(0));
        }
        return [.. bytes];
    }
}
