using FastVcpu.Interrupts;

namespace FastVcpu.Tests.Interrupts;

/// <summary>The 8259A pair against its data sheet.</summary>
public class PicTests
{
    const byte NonspecificEoi = 0x20, SpecificEoi = 0x60, RotateOnEoi = 0xA0, SetPriority = 0xC0, RotateInAutoEoi = 0x80, ReadsInService = 0x0B, ReadsRequests = 0x0A;

    readonly PicPair pair;
    int changes;

    public PicTests()
    {
        pair = new PicPair(() => changes++);
        Initialize(0, 0x20, 4, icw4: 1);
        Initialize(1, 0x28, 2, icw4: 1);
    }

    void Initialize(int chip, byte vectors, byte cascade, byte icw4)
    {
        Out(chip, 0, 0x11);
        Out(chip, 1, vectors);
        Out(chip, 1, cascade);
        Out(chip, 1, icw4);
    }

    void Out(int chip, int port, byte value) => pair.Ports[chip].Write((ulong)port, [value]);

    byte In(int chip, int port)
    {
        byte[] data = new byte[1];
        pair.Ports[chip].Read((ulong)port, data);
        return data[0];
    }

    byte InService(int chip)
    {
        Out(chip, 0, ReadsInService);
        return In(chip, 0);
    }

    void Pulse(int input)
    {
        pair.SetLine(input, true);
        pair.SetLine(input, false);
    }

    [Fact]
    public void AnEdgeInterruptsOnceAndIsLatched()
    {
        pair.SetLine(3, true);
        Assert.True(pair.HasInterrupt);
        Assert.Equal(0x23, pair.Acknowledge());
        Assert.False(pair.HasInterrupt);
        Assert.Equal((8, 0), (InService(0), pair.State.Master.Requests));
        Out(0, 0, NonspecificEoi);
        Assert.False(pair.HasInterrupt);
        pair.SetLine(3, false);
        Pulse(3);
        Assert.True(pair.HasInterrupt);
        Assert.Equal(3, changes);
    }

    [Fact]
    public void InputsOfTheSlaveGoThroughTheMaster()
    {
        Pulse(12);
        Assert.Equal(0x2C, pair.Acknowledge());
        Assert.Equal((4, 0x10), (InService(0), InService(1)));
        Out(1, 0, NonspecificEoi);
        Out(0, 0, NonspecificEoi);
        Assert.Equal((0, 0), (InService(0), InService(1)));
    }

    [Fact]
    public void LowerPrioritiesWaitAndHigherOnesNest()
    {
        Pulse(4);
        Pulse(6);
        Assert.Equal(0x24, pair.Acknowledge());
        Assert.False(pair.HasInterrupt);
        Pulse(1);
        Assert.Equal(0x21, pair.Acknowledge());
        Out(0, 0, NonspecificEoi);
        Assert.Equal(0x10, InService(0));
        Assert.False(pair.HasInterrupt);
        Out(0, 0, NonspecificEoi);
        Assert.Equal(0x26, pair.Acknowledge());
    }

    [Fact]
    public void AMaskedInputWaitsAndTheMaskReadsBack()
    {
        Out(0, 1, 0xEF);
        Pulse(4);
        Pulse(5);
        Assert.Equal((0xEF, 0x24), (In(0, 1), pair.Acknowledge()));
        Out(0, 0, NonspecificEoi);
        Out(0, 1, 0xFF);
        Assert.False(pair.HasInterrupt);
        Out(0, 0, ReadsRequests);
        Assert.Equal(0x20, In(0, 0));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(11)]
    public void ARequestThatGoesAwayBeforeTheAcknowledgementIsSpurious(int input)
    {
        pair.Elcr.Write(0, [0x20, 0x08]);
        pair.SetLine(input, true);
        Assert.True(pair.HasInterrupt);
        pair.SetLine(input, false);
        Assert.False(pair.HasInterrupt);
        Assert.Equal(0x27, pair.Acknowledge());
        Assert.Equal((0, 0), (InService(0), InService(1)));
    }

    /// <summary>Without anything of the slave's to serve, the master being in the middle of it.</summary>
    [Fact]
    public void ASlaveThatHasNothingAnyMoreGivesItsOwnSpuriousVector()
    {
        Pic slave = new(isMaster: false, 0);
        Assert.Equal(Pic.SpuriousInput, slave.Acknowledge());
        Assert.Equal(0, slave.State.InService);
    }

    [Fact]
    public void ALevelInterruptsUntilItIsLow()
    {
        pair.Elcr.Write(0, [0xFF]);
        byte[] elcr = new byte[2];
        pair.Elcr.Read(0, elcr);
        Assert.Equal(new byte[] { 0xF8, 0 }, elcr);
        pair.SetLine(5, true);
        Assert.Equal(0x25, pair.Acknowledge());
        Out(0, 0, NonspecificEoi);
        Assert.True(pair.HasInterrupt);
        Assert.Equal(0x25, pair.Acknowledge());
        pair.SetLine(5, false);
        Out(0, 0, NonspecificEoi);
        Assert.False(pair.HasInterrupt);
    }

    [Fact]
    public void ASpecificEndOfInterruptEndsThatOne()
    {
        Pulse(6);
        pair.Acknowledge();
        Pulse(2 + 1);
        pair.Acknowledge();
        Assert.Equal(0x48, InService(0));
        Out(0, 0, SpecificEoi | 6);
        Assert.Equal(8, InService(0));
    }

    [Fact]
    public void RotationMakesTheServedInputTheLowest()
    {
        Pulse(3);
        pair.Acknowledge();
        Out(0, 0, RotateOnEoi);
        Pulse(0);
        Pulse(3);
        Pulse(4);
        byte[] order = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            byte vector = pair.Acknowledge();
            Out(0, 0, NonspecificEoi);
            return vector;
        })];
        Assert.Equal(new byte[] { 0x24, 0x20, 0x23 }, order);
    }

    [Fact]
    public void SetPriorityNamesTheLowestInput()
    {
        Out(0, 0, SetPriority | 5);
        Pulse(5);
        Pulse(6);
        Pulse(0);
        Assert.Equal(0x26, pair.Acknowledge());
        Assert.False(pair.HasInterrupt);
        Out(0, 0, SpecificEoi | 6);
        Assert.Equal(0x20, pair.Acknowledge());
    }

    [Fact]
    public void AutomaticEndOfInterruptLeavesNothingInServiceAndMayRotate()
    {
        Initialize(0, 0x20, 4, icw4: 3);
        Out(0, 0, RotateInAutoEoi);
        Pulse(3);
        Assert.Equal(0x23, pair.Acknowledge());
        Assert.Equal(0, InService(0));
        Pulse(3);
        Pulse(4);
        Assert.Equal(0x24, pair.Acknowledge());
        Out(0, 0, 0);
        Pulse(5);
        Pulse(3);
        Assert.Equal(0x25, pair.Acknowledge());
        Assert.Equal(5, pair.State.Master.HighestPriority);
    }

    [Fact]
    public void SpecialMaskModeLetsLowerOnesThroughAndNonspecificEoiSparesMaskedOnes()
    {
        Pulse(3);
        pair.Acknowledge();
        Out(0, 1, 0x08);
        Pulse(6);
        Assert.False(pair.HasInterrupt);
        Out(0, 0, 0x68);
        Assert.True(pair.HasInterrupt);
        Assert.Equal(0x26, pair.Acknowledge());
        Out(0, 0, NonspecificEoi);
        Assert.Equal(8, InService(0));
        Out(0, 0, NonspecificEoi);
        Assert.Equal(8, InService(0));
        Out(0, 0, SpecificEoi | 3);
        Assert.Equal(0, InService(0));
    }

    [Fact]
    public void PollingTellsTheInputAndPutsItIntoService()
    {
        Out(0, 0, 0x0C);
        Assert.Equal(0, In(0, 0));
        Pulse(4);
        Out(0, 0, 0x0C);
        Assert.Equal(0x84, In(0, 0));
        Assert.Equal(0x10, InService(0));
        Assert.False(pair.HasInterrupt);
    }

    [Fact]
    public void TheSpecialFullyNestedModeLetsTheSlaveInterruptItself()
    {
        Pulse(12);
        pair.Acknowledge();
        Pulse(9);
        Assert.False(pair.HasInterrupt);
        Initialize(0, 0x20, 4, icw4: 0x11);
        pair.State = (pair.State.Master with { InService = 4 }, pair.State.Slave);
        Assert.True(pair.HasInterrupt);
        Assert.Equal(0x29, pair.Acknowledge());
    }

    [Fact]
    public void InitializationClearsMaskServiceAndEdges()
    {
        pair.SetLine(3, true);
        pair.Acknowledge();
        Out(0, 1, 0xFF);
        Pulse(6);
        Initialize(0, 0x40, 4, icw4: 1);
        Assert.Equal((0, 0), (In(0, 1), InService(0)));
        Assert.False(pair.HasInterrupt);
        pair.SetLine(3, false);
        pair.SetLine(3, true);
        Assert.Equal(0x43, pair.Acknowledge());
    }

    [Fact]
    public void WithoutAFourthWordItIsReadyAfterTheThird()
    {
        Out(0, 0, 0x10);
        Out(0, 1, 0x50);
        Out(0, 1, 4);
        Out(0, 1, 0xF0);
        Assert.Equal(0xF0, In(0, 1));
        Out(0, 0, 0x13);
        Out(0, 1, 0x60);
        Out(0, 1, 1);
        Out(0, 1, 0x0F);
        Assert.Equal(0x0F, In(0, 1));
    }

    [Fact]
    public void StateGoesAndComes()
    {
        Pulse(4);
        Pulse(11);
        pair.Acknowledge();
        Out(1, 1, 0x80);
        PicPair other = new(() => { }) { State = pair.State };
        Assert.Equal(pair.State, other.State);
        Assert.Equal(pair.HasInterrupt, other.HasInterrupt);
    }

    [Fact]
    public void WideAccessesAreBytes()
    {
        pair.Ports[0].Write(1, [0xAA, 0x55, 0x55, 0x55]);
        byte[] data = new byte[4];
        pair.Ports[0].Read(1, data);
        Assert.Equal(new byte[] { 0xAA, 0xFF, 0xFF, 0xFF }, data);
    }
}
