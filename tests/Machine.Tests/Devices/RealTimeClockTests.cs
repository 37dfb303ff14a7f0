namespace FastVcpu.Machine.Tests.Devices;

/// <summary>The MC146818 against its data sheet.</summary>
public class RealTimeClockTests
{
    const int ControlA = 10, ControlB = 11, ControlC = 12, ControlD = 13;
    const long Second = Clock.NanosecondsPerSecond;

    readonly InstructionClock clock = new();
    readonly List<bool> levels = [];
    readonly RealTimeClock rtc;

    public RealTimeClockTests() => rtc = new RealTimeClock(clock, new DateTime(2026, 12, 31, 23, 59, 58), levels.Add);

    [Fact]
    public void ShowsTheTimeInBcdAnd24HoursAfterReset()
    {
        Assert.Equal([0x58u, 0x59u, 0x23u, 5u, 0x31u, 0x12u, 0x26u, 0x20u], new[] { 0, 2, 4, 6, 7, 8, 9, 0x32 }.Select(Get));
        Assert.Equal(0x80u, Get(ControlD));
    }

    [Fact]
    public void CountsOverTheEndOfTheYear()
    {
        clock.Set(2 * Second);
        Assert.Equal([0u, 0u, 0u, 6u, 1u, 1u, 0x27u], new[] { 0, 2, 4, 6, 7, 8, 9 }.Select(Get));
    }

    [Fact]
    public void ShowsBinaryNumbersAnd12HoursOnRequest()
    {
        Set(ControlB, 4);
        Assert.Equal([58u, 59u, 0x80u | 11], new[] { 0, 2, 4 }.Select(Get));
    }

    [Fact]
    public void StandsStillWhileItIsSet()
    {
        Set(ControlB, 0x82);
        Set(0, 0x10);
        Set(2, 0x20);
        Set(4, 0x12);
        clock.Set(5 * Second);
        Assert.Equal(0x10u, Get(0));
        Set(ControlB, 2);
        clock.Set(6 * Second);
        Assert.Equal([0x11u, 0x20u, 0x12u], new[] { 0, 2, 4 }.Select(Get));
    }

    [Fact]
    public void ADateThatIsNoneIsMadeOne()
    {
        Set(8, 0x99);
        Set(7, 0xFF);
        Assert.Equal(0x12u, Get(8));
        Assert.Equal(0x31u, Get(7));
    }

    [Fact]
    public void SaysWhenAnUpdateIsInProgress()
    {
        Assert.Equal(0u, Get(ControlA) & 0x80);
        clock.Set(Second - 1_000_000);
        Assert.Equal(0x80u, Get(ControlA) & 0x80);
    }

    [Fact]
    public void FlagsTellWhatHasHappenedAndGoWhenTheyAreRead()
    {
        Assert.Equal(0u, Get(ControlC));
        clock.Set(Second);
        Assert.Equal(0x50u, Get(ControlC));
        Assert.Equal(0u, Get(ControlC));
        Assert.Empty(levels);
    }

    [Fact]
    public void AnAlarmMatchesWithValuesThatDoNotCare()
    {
        Set(1, 0x01);
        Set(3, 0xFF);
        Set(5, 0xC0);
        clock.Set(2 * Second);
        Assert.Equal(0u, Get(ControlC) & 0x20);
        clock.Set(3 * Second);
        Assert.Equal(0x20u, Get(ControlC) & 0x20);
    }

    [Fact]
    public void TheIndexIsWrittenOnly()
    {
        rtc.Out(0, 0x80 | ControlD);
        Assert.Equal(0xFFu, rtc.In(0));
        Assert.Equal(0x80u, rtc.In(1));
    }

    [Fact]
    public void MemoryKeepsWhatIsWritten()
    {
        rtc[0x34] = 0x12;
        Set(0x70, 0x77);
        Assert.Equal(0x12u, Get(0x34));
        Assert.Equal(0x77, rtc[0x70]);
    }

    uint Get(int register)
    {
        rtc.Out(0, (ulong)register);
        return rtc.In(1);
    }

    void Set(int register, byte value)
    {
        rtc.Out(0, (ulong)register);
        rtc.Out(1, value);
    }
}
