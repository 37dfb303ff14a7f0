namespace FastVcpu.Machine.Tests.Devices;

/// <summary>The 16550A against its data sheet.</summary>
public class UartTests
{
    const int Data = 0, Enable = 1, Identification = 2, FifoControl = 2, LineControl = 3, ModemControl = 4, LineStatus = 5, ModemStatus = 6, Scratch = 7;
    const byte Rts = 2, Out2 = 8;

    readonly List<byte> sent = [];
    readonly List<bool> levels = [];
    readonly Uart16550 uart;

    public UartTests() => uart = new Uart16550(sent.Add, levels.Add);

    [Fact]
    public void SendsWhatIsWrittenAndIsEmptyAtOnce()
    {
        uart.Out(Data, 'x');
        Assert.Equal([(byte)'x'], sent);
        Assert.Equal(0x60u, uart.In(LineStatus));
    }

    [Fact]
    public void TheDivisorLatchHidesDataAndEnable()
    {
        uart.Out(LineControl, 0x83);
        uart.Out(Data, 12);
        uart.Out(Enable, 1);
        Assert.Equal(0x10C, uart.Divisor);
        uart.Out(LineControl, 3);
        Assert.Equal(0u, uart.In(Enable));
        Assert.Empty(sent);
    }

    [Fact]
    public void TheTransmittersInterruptGoesWhenItIsIdentified()
    {
        uart.Out(ModemControl, Out2);
        uart.Out(Enable, 2);
        Assert.Equal([true], levels);
        Assert.Equal(2u, uart.In(Identification));
        Assert.Equal(1u, uart.In(Identification));
        Assert.Equal([true, false], levels);
        uart.Out(Data, 'x');
        Assert.Equal([true, false, true], levels);
    }

    [Fact]
    public void InterruptsNeedOut2()
    {
        uart.Out(Enable, 2);
        Assert.Empty(levels);
        uart.Out(ModemControl, Out2);
        Assert.Equal([true], levels);
    }

    [Fact]
    public void TheFifoIdentifiesItselfAndHoldsSixteenBytes()
    {
        uart.Out(FifoControl, 1);
        Assert.Equal(0xC1u, uart.In(Identification));
        for (int i = 0; i < 17; i++)
        {
            uart.Receive((byte)i);
        }
        Assert.Equal(0x63u, uart.In(LineStatus));
        Assert.Equal(0x61u, uart.In(LineStatus));
        Assert.Equal(Enumerable.Range(0, 16).Select(i => (uint)i), Enumerable.Range(0, 16).Select(_ => uart.In(Data)));
        Assert.Equal(0x60u, uart.In(LineStatus));
    }

    [Fact]
    public void ReceivedBytesAreTakenFromTheSourceWhileTheGuestIsReady()
    {
        Queue<byte> source = new("hello"u8.ToArray());
        uart.Source = () => source.TryDequeue(out byte value) ? value : null;
        uart.DataArrived();
        Assert.Equal(0u, uart.In(LineStatus) & 1);
        uart.Out(ModemControl, Rts);
        Assert.Equal(4, source.Count);
        Assert.Equal((uint)'h', uart.In(Data));
        Assert.Equal((uint)'e', uart.In(Data));
    }

    [Fact]
    public void LoopbackGivesBackWhatIsSentAndTheModemLines()
    {
        uart.Out(ModemControl, 0x1A);
        uart.Out(Data, 0x55);
        Assert.Equal(0x55u, uart.In(Data));
        Assert.Equal(0x90u, uart.In(ModemStatus) & 0xF0);
        Assert.Empty(sent);
    }

    [Fact]
    public void TheScratchRegisterKeepsWhatIsWritten()
    {
        uart.Out(Scratch, 0xA5);
        Assert.Equal(0xA5u, uart.In(Scratch));
    }
}
