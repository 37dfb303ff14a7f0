using FastVcpu.Interrupts;

namespace FastVcpu.Tests.Interrupts;

/// <summary>The 8254 against its data sheet. Time is set in clock pulses.</summary>
public class PitTests
{
    const int BothBytes = 0x30;

    readonly InstructionClock clock = new();
    readonly List<bool> line = [];
    readonly Pit pit;

    public PitTests()
    {
        pit = new Pit(clock, line.Add);
        At(0);
    }

    /// <summary>Goes to the middle of a pulse.</summary>
    void At(long pulse) => clock.Set((long)((Int128)(2 * pulse + 1) * Clock.NanosecondsPerSecond / (2 * Pit.Frequency)));

    void Control(int channel, int mode, int access = BothBytes, bool bcd = false) => pit.Write(3, [(byte)(channel << 6 | access | mode << 1 | (bcd ? 1 : 0))]);

    void Load(int channel, int count)
    {
        pit.Write((ulong)channel, [(byte)count]);
        pit.Write((ulong)channel, [(byte)(count >> 8)]);
    }

    int Byte(int channel)
    {
        byte[] data = new byte[1];
        pit.Read((ulong)channel, data);
        return data[0];
    }

    int Count(int channel) => Byte(channel) | Byte(channel) << 8;

    int Latched(int channel)
    {
        pit.Write(3, [(byte)(channel << 6)]);
        return Count(channel);
    }

    /// <summary>Status of a counter: output, null count, access, mode, BCD.</summary>
    int Status(int channel)
    {
        pit.Write(3, [(byte)(0xE0 | 2 << channel)]);
        return Byte(channel);
    }

    bool Output(int channel = 2) => (Status(channel) & 0x80) != 0;

    /// <summary>The output over pulses, one character each.</summary>
    string Wave(long from, long to, int channel = 2) => string.Concat(Range(from, to).Select(pulse =>
    {
        At(pulse);
        return Output(channel) ? 'H' : 'L';
    }));

    static IEnumerable<long> Range(long from, long to)
    {
        for (long i = from; i < to; i++)
        {
            yield return i;
        }
    }

    void SpeakerGate(bool level) => pit.Speaker.Write(0, [(byte)(level ? 1 : 0)]);

    [Fact]
    public void Mode0IsLowUntilTheCountIsZeroWhichIsOnePulseMoreThanTheCount()
    {
        SpeakerGate(true);
        Control(2, 0);
        At(10);
        Load(2, 4);
        Assert.Equal("LLLLLHHHHH", Wave(10, 20));
        At(12);
        Assert.Equal(3, Latched(2));
        At(16);
        Assert.Equal(0xFFFF, Latched(2));
    }

    [Fact]
    public void Mode0StopsAtTheFirstByteAndBeginsAnewWithTheSecond()
    {
        SpeakerGate(true);
        Control(2, 0);
        Load(2, 4);
        At(10);
        Assert.True(Output());
        pit.Write(2, [3]);
        Assert.Equal("LLLLL", Wave(10, 15));
        pit.Write(2, [0]);
        Assert.Equal("LLLLHH", Wave(14, 20));
    }

    [Fact]
    public void Mode0CountsOnlyWhileTheGateIsHigh()
    {
        SpeakerGate(true);
        Control(2, 0);
        Load(2, 10);
        At(5);
        SpeakerGate(false);
        int stopped = Latched(2);
        At(50);
        Assert.Equal(stopped, Latched(2));
        Assert.False(Output());
        SpeakerGate(true);
        Assert.Equal("LLLLLLHHH", Wave(50, 59));
    }

    [Fact]
    public void Mode1IsAPulseAfterEachTriggerAndCanBeTriggeredAgain()
    {
        Control(2, 1);
        Load(2, 3);
        Assert.Equal("HHHH", Wave(0, 4));
        At(10);
        SpeakerGate(true);
        Assert.Equal("HLLLHH", Wave(10, 16));
        At(18);
        SpeakerGate(false);
        At(20);
        SpeakerGate(true);
        At(22);
        SpeakerGate(false);
        SpeakerGate(true);
        Assert.Equal("LLLLHH", Wave(22, 28));
        Load(2, 1);
        Assert.Equal("HH", Wave(28, 30));
        SpeakerGate(false);
        At(40);
        SpeakerGate(true);
        Assert.Equal("HLH", Wave(40, 43));
    }

    [Fact]
    public void Mode2IsLowForTheLastPulseOfEachPeriod()
    {
        SpeakerGate(true);
        Control(2, 2);
        Load(2, 3);
        Assert.Equal("HHHLHHLHHL", Wave(0, 10));
        Assert.Equal(1, Latched(2));
    }

    [Fact]
    public void Mode2TakesANewCountAtTheEndOfThePeriod()
    {
        SpeakerGate(true);
        Control(2, 2);
        Load(2, 4);
        At(3);
        Load(2, 2);
        Assert.Equal("HLHLHL", Wave(3, 9));
    }

    [Fact]
    public void TheGateSetsMode2HighAndStartsItAnew()
    {
        SpeakerGate(true);
        Control(2, 2);
        Load(2, 3);
        At(3);
        Assert.False(Output());
        SpeakerGate(false);
        Assert.Equal("HHHHHHHH", Wave(3, 11));
        SpeakerGate(true);
        Assert.Equal("HHHLHHL", Wave(10, 17));
    }

    [Theory]
    [InlineData(4, "HHHLLHHLLH")]
    [InlineData(5, "HHHHLLHHHL")]
    public void Mode3IsASquareWaveThatIsLongerHighWhenTheCountIsOdd(int count, string wave)
    {
        SpeakerGate(true);
        Control(2, 3);
        Load(2, count);
        Assert.Equal(wave, Wave(0, 10));
    }

    [Fact]
    public void Mode3CountsByTwo()
    {
        SpeakerGate(true);
        Control(2, 3);
        Load(2, 6);
        int[] counts = [.. Range(1, 8).Select(pulse => { At(pulse); return Latched(2); })];
        Assert.Equal([6, 4, 2, 6, 4, 2, 6], counts);
    }

    [Fact]
    public void Mode3TakesANewCountAtTheEndOfAHalf()
    {
        SpeakerGate(true);
        Control(2, 3);
        Load(2, 8);
        At(2);
        Load(2, 4);
        Assert.Equal("HHHLLHHLLHHLL", Wave(2, 15));
    }

    [Fact]
    public void Mode4StrobesOnceForOnePulse()
    {
        SpeakerGate(true);
        Control(2, 4);
        Load(2, 3);
        Assert.Equal("HHHHLHHHHH", Wave(0, 10));
    }

    [Fact]
    public void Mode5StrobesAfterATrigger()
    {
        Control(2, 5);
        Load(2, 3);
        At(10);
        Assert.True(Output());
        SpeakerGate(true);
        Assert.Equal("HHHHLHHH", Wave(10, 18));
    }

    [Fact]
    public void DecimalCountsWrapAtTenThousand()
    {
        SpeakerGate(true);
        Control(2, 0, bcd: true);
        Load(2, 0x0100);
        At(2);
        Assert.Equal(0x0099, Latched(2));
        At(102);
        Assert.Equal(0x9999, Latched(2));
        Control(2, 2, bcd: true);
        Load(2, 0);
        At(104);
        Assert.InRange(Latched(2), 0x9990, 0x9999);
    }

    [Theory]
    [InlineData(0x10, 0x34, 0x0034)]
    [InlineData(0x20, 0x12, 0x1200)]
    public void OneByteCountsLeaveTheOtherByteZero(int access, int written, int count)
    {
        SpeakerGate(true);
        Control(2, 4, access);
        pit.Write(2, [(byte)written]);
        At(1);
        pit.Write(3, [0x80]);
        Assert.Equal(access == 0x10 ? count & 0xFF : count >> 8, Byte(2));
    }

    [Fact]
    public void ALatchedCountStaysUntilItHasBeenReadAndASecondLatchIsIgnored()
    {
        SpeakerGate(true);
        Control(2, 2);
        Load(2, 1000);
        At(11);
        pit.Write(3, [0x80]);
        At(50);
        pit.Write(3, [0x80]);
        Assert.Equal(990, Count(2));
        Assert.Equal(1000 - 49, Count(2));
    }

    [Fact]
    public void ReadBackLatchesStatusAndCountOfSeveralCounters()
    {
        Control(0, 2);
        Load(0, 100);
        Control(1, 3, bcd: true);
        At(5);
        pit.Write(3, [0xC6]);
        At(20);
        Assert.Equal((0xB4, 96), (Byte(0), Count(0)));
        Assert.Equal(0xF7, Byte(1));
    }

    [Fact]
    public void StatusSaysWhetherTheCountHasBeenLoaded()
    {
        Control(0, 2);
        Assert.Equal(0xF4, Status(0));
        Load(0, 10);
        Assert.Equal(0xF4, Status(0));
        At(1);
        Assert.Equal(0xB4, Status(0));
    }

    [Fact]
    public void Counter0InterruptsAtEachRiseOfItsOutput()
    {
        Control(0, 2);
        Load(0, 1193);
        line.Clear();
        for (int millisecond = 1; millisecond <= 10; millisecond++)
        {
            clock.Set(millisecond * 1_001_000);
            clock.FireDue();
        }
        Assert.Equal(20, line.Count);
        Assert.Equal([false, true], line.Distinct());
        Control(0, 0);
        Assert.False(line[^1]);
    }

    [Fact]
    public void AOneShotInterruptsOnceAtItsExactTime()
    {
        Control(0, 0);
        Load(0, 500);
        line.Clear();
        At(500);
        clock.FireDue();
        Assert.Empty(line);
        At(501);
        clock.FireDue();
        Assert.Equal([false, true], line);
        At(100_000);
        clock.FireDue();
        Assert.Equal(2, line.Count);
    }

    [Fact]
    public void Port61HoldsGateAndSpeakerAndShowsOutputAndRefresh()
    {
        byte[] data = new byte[1];
        pit.Speaker.Write(0, [0xFF]);
        Control(2, 0);
        Load(2, 5);
        pit.Speaker.Read(0, data);
        Assert.Equal(3, data[0] & 0x23);
        At(6);
        pit.Speaker.Read(0, data);
        Assert.Equal(0x23, data[0] & 0x23);
        HashSet<int> refresh = [];
        for (int i = 0; i < 10; i++)
        {
            clock.Set(clock.Now + 7_000);
            pit.Speaker.Read(0, data);
            refresh.Add(data[0] & 0x10);
        }
        Assert.Equal(2, refresh.Count);
    }

    [Fact]
    public void StateGoesAndComes()
    {
        Control(0, 2);
        Load(0, 100);
        SpeakerGate(true);
        Control(2, 3);
        Load(2, 50);
        At(30);
        pit.Write(3, [0x80]);
        Pit other = new(clock, _ => { }) { State = pit.State };
        Assert.Equal(pit.State.Channels, other.State.Channels);
        Assert.Equal(pit.State.SpeakerControl, other.State.SpeakerControl);
        At(77);
        byte[] one = new byte[1], two = new byte[1];
        for (int i = 0; i < 4; i++)
        {
            pit.Read(2, one);
            other.Read(2, two);
            Assert.Equal(one, two);
        }
    }
}
