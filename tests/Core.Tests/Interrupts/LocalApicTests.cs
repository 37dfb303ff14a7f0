using FastVcpu.Interrupts;

namespace FastVcpu.Tests.Interrupts;

/// <summary>The local APIC against SDM Vol. 3 chapter 11, through its page and its MSRs.</summary>
public sealed class LocalApicTests : IDisposable
{
    const uint Enabled = 0x1FF, Masked = 1 << 16;
    const ulong Base = 0xFEE00000, ExtendedMode = Base | 0xD00;
    const uint TscDeadline = 0x6E0;

    readonly InstructionClock clock = new();
    readonly VirtualMachine vm;
    readonly Vcpu[] cpus;

    public LocalApicTests()
    {
        vm = new VirtualMachine(clock);
        vm.CreateIrqChip();
        cpus = [.. Enumerable.Range(0, 4).Select(_ => vm.CreateVcpu(CpuModel.Max))];
        foreach (LocalApic apic in Apics)
        {
            Write(apic, ApicRegister.SpuriousVector, Enabled);
        }
    }

    LocalApic Apic => cpus[0].Apic!;

    IEnumerable<LocalApic> Apics => cpus.Select(cpu => cpu.Apic!);

    static void Write(LocalApic apic, int register, uint value) => apic.Write((ulong)register, BitConverter.GetBytes(value));

    static uint Read(LocalApic apic, int register)
    {
        byte[] data = new byte[4];
        apic.Read((ulong)register, data);
        return BitConverter.ToUInt32(data);
    }

    /// <summary>Who has got a vector.</summary>
    string Takers(byte vector) => string.Concat(Apics.Select((apic, i) => (Read(apic, ApicRegister.Requests + vector / 32 * 16) >> vector % 32 & 1) != 0 ? $"{i}" : ""));

    void Command(uint low, uint destination = 0, int from = 0)
    {
        Write(cpus[from].Apic!, ApicRegister.CommandHigh, destination << 24);
        Write(cpus[from].Apic!, ApicRegister.CommandLow, low);
    }

    void Advance(long nanoseconds)
    {
        clock.Set(clock.Now + nanoseconds);
        clock.FireDue();
    }

    [Fact]
    public void ResetValuesAreThoseOfTheManual()
    {
        using VirtualMachine other = new();
        other.CreateIrqChip();
        LocalApic first = other.CreateVcpu(CpuModel.Max).Apic!, second = other.CreateVcpu(CpuModel.Max).Apic!;
        Assert.Equal((0u, 1u << 24), (Read(first, ApicRegister.Id), Read(second, ApicRegister.Id)));
        Assert.Equal((0xFFu, uint.MaxValue), (Read(second, ApicRegister.SpuriousVector), Read(second, ApicRegister.DestinationFormat)));
        Assert.Equal(0x01050014u, Read(second, ApicRegister.Version));
        for (int lvt = ApicRegister.FirstLvt; lvt <= ApicRegister.LastLvt; lvt += 16)
        {
            Assert.Equal(lvt == ApicRegister.LvtLint0 ? 0x700u : Masked, Read(first, lvt));
            Assert.Equal(Masked, Read(second, lvt));
        }
    }

    [Fact]
    public void AnInterruptGoesFromRequestToServiceToItsEnd()
    {
        Command(0x4_0031);
        Assert.Equal("0", Takers(0x31));
        Assert.True(Apic.HasInterrupt);
        Assert.True(Apic.TryAcknowledge(out byte vector));
        Assert.Equal(0x31, vector);
        Assert.Equal(("", 1u << 17, 0x30u), (Takers(0x31), Read(Apic, ApicRegister.InService + 16), Read(Apic, ApicRegister.ProcessorPriority)));
        Write(Apic, ApicRegister.EndOfInterrupt, 0);
        Assert.Equal((0u, 0u), (Read(Apic, ApicRegister.InService + 16), Read(Apic, ApicRegister.ProcessorPriority)));
    }

    [Fact]
    public void OnlyAHigherClassInterruptsAndTheHighestComesFirst()
    {
        Command(0x4_0045);
        Command(0x4_0051);
        Command(0x4_0062);
        List<byte> order = [];
        Assert.True(Apic.TryAcknowledge(out byte vector));
        order.Add(vector);
        Assert.False(Apic.TryAcknowledge(out _));
        Command(0x4_006F);
        Assert.False(Apic.HasInterrupt);
        Command(0x4_0070);
        Assert.True(Apic.TryAcknowledge(out vector));
        order.Add(vector);
        for (int i = 0; i < 4; i++)
        {
            Write(Apic, ApicRegister.EndOfInterrupt, 0);
            order.AddRange(Apic.TryAcknowledge(out vector) ? [vector] : Array.Empty<byte>());
        }
        Assert.Equal(new byte[] { 0x62, 0x70, 0x6F, 0x51, 0x45 }, order);
    }

    [Fact]
    public void TheTaskPriorityHoldsItsClassBackAndIsCr8()
    {
        Command(0x4_0045);
        Write(Apic, ApicRegister.TaskPriority, 0x40);
        Assert.Equal((4UL, 0x40u), (cpus[0].Cr8, Read(Apic, ApicRegister.ProcessorPriority)));
        Assert.False(Apic.HasInterrupt);
        cpus[0].Cr8 = 3;
        Assert.Equal(0x30u, Read(Apic, ApicRegister.TaskPriority));
        Assert.True(Apic.HasInterrupt);
    }

    [Theory]
    [InlineData(0x00040u, 2u, "2")]
    [InlineData(0x00040u, 0xFFu, "0123")]
    [InlineData(0x40040u, 3u, "1")]
    [InlineData(0x80040u, 0u, "0123")]
    [InlineData(0xC0040u, 0u, "023")]
    [InlineData(0x00040u, 9u, "")]
    public void PhysicalDestinationsAndShorthands(uint command, uint destination, string takers)
    {
        Command(command, destination, from: 1);
        Assert.Equal(takers, Takers(0x40));
    }

    [Theory]
    [InlineData(0xFFFFFFFFu, 0x05u, "02")]
    [InlineData(0xFFFFFFFFu, 0xFFu, "0123")]
    [InlineData(0x0FFFFFFFu, 0x0Fu, "0123")]
    [InlineData(0x0FFFFFFFu, 0x06u, "12")]
    [InlineData(0x0FFFFFFFu, 0x16u, "")]
    public void LogicalDestinationsFlatAndInClusters(uint format, uint destination, string takers)
    {
        for (int i = 0; i < 4; i++)
        {
            Write(cpus[i].Apic!, ApicRegister.DestinationFormat, format);
            Write(cpus[i].Apic!, ApicRegister.LogicalDestination, 1u << (24 + i));
        }
        Command(0x0840, destination);
        Assert.Equal(takers, Takers(0x40));
    }

    [Fact]
    public void TheLowestPriorityTakesIt()
    {
        for (int i = 0; i < 4; i++)
        {
            Write(cpus[i].Apic!, ApicRegister.LogicalDestination, 1u << (24 + i));
            Write(cpus[i].Apic!, ApicRegister.TaskPriority, i == 2 ? 0x10u : 0x20u);
        }
        Command(0x0950, 0x0F);
        Assert.Equal("2", Takers(0x50));
        Command(0x0951, 0x0B);
        Assert.Equal("0", Takers(0x51));
    }

    [Fact]
    public void NmiSmiInitAndStartUpReachTheProcessor()
    {
        Command(0x0400, 1);
        Command(0x0200, 2);
        Assert.Equal((1, true), (cpus[1].Events.Nmi.Pending, cpus[2].Events.Smi.IsPending));
        Command(0x8500, 3);
        Assert.False(cpus[3].Apic!.HasStartUpEvent);
        Command(0xC500, 3);
        Assert.True(cpus[3].Apic!.TryTakeInit());
        Command(0x0612, 3);
        Assert.True(cpus[3].Apic!.TryTakeStartUp(out byte page));
        Assert.Equal(0x12, page);
    }

    [Fact]
    public void DisabledBySoftwareItTakesNoInterruptsAndMasksItsOwn()
    {
        Write(Apic, ApicRegister.LvtTimer, 0x40);
        Write(Apic, ApicRegister.SpuriousVector, 0xFF);
        Assert.Equal(Masked | 0x40, Read(Apic, ApicRegister.LvtTimer));
        Write(Apic, ApicRegister.LvtTimer, 0x40);
        Assert.Equal(Masked | 0x40, Read(Apic, ApicRegister.LvtTimer));
        Assert.False(Apic.Accept(new ApicMessage { Vector = 0x50 }));
        Assert.True(Apic.Accept(new ApicMessage { Mode = DeliveryMode.NonMaskable }));
    }

    [Fact]
    public void IllegalVectorsAndRegistersAreErrors()
    {
        Write(Apic, ApicRegister.LvtError, 0x60);
        Command(0x4_0005);
        Assert.Equal(0u, Read(Apic, ApicRegister.ErrorStatus));
        Write(Apic, ApicRegister.ErrorStatus, 0);
        Assert.Equal((0x20u, "0"), (Read(Apic, ApicRegister.ErrorStatus), Takers(0x60)));
        Write(Apic, ApicRegister.ErrorStatus, 0);
        Assert.Equal(0u, Read(Apic, ApicRegister.ErrorStatus));
        Assert.Equal(0, vm.SignalMsi(Base, 0x0F));
        Write(Apic, 0x3F0, 0);
        Write(Apic, ApicRegister.ErrorStatus, 0);
        Assert.Equal(0xC0u, Read(Apic, ApicRegister.ErrorStatus));
    }

    [Fact]
    public void OnlyWholeRegistersAreWrittenAndAnyPartIsRead()
    {
        Apic.Write(ApicRegister.TaskPriority, [0x55]);
        Apic.Write(ApicRegister.TaskPriority + 4, [1, 2, 3, 4]);
        Assert.Equal(0u, Read(Apic, ApicRegister.TaskPriority));
        byte[] one = new byte[1], eight = new byte[8];
        Apic.Read(ApicRegister.Version + 2, one);
        Apic.Read(ApicRegister.Version, eight);
        Assert.Equal(5, one[0]);
        Assert.Equal(0x01050014UL, BitConverter.ToUInt64(eight));
    }

    [Theory]
    [InlineData(0xBu, 1)]
    [InlineData(0x0u, 2)]
    [InlineData(0x3u, 16)]
    [InlineData(0xAu, 128)]
    public void TheTimerCountsDownOnceAtItsRate(uint divide, int divisor)
    {
        Write(Apic, ApicRegister.DivideConfiguration, divide);
        Write(Apic, ApicRegister.LvtTimer, 0x40);
        Write(Apic, ApicRegister.InitialCount, 1000);
        Advance(400 * divisor);
        Assert.Equal(600u, Read(Apic, ApicRegister.CurrentCount));
        Advance(600 * divisor - 1);
        Assert.Equal("", Takers(0x40));
        Advance(1);
        Assert.Equal(("0", 0u, 1000u), (Takers(0x40), Read(Apic, ApicRegister.CurrentCount), Read(Apic, ApicRegister.InitialCount)));
        Apic.TryAcknowledge(out _);
        Advance(10_000_000);
        Assert.Equal("", Takers(0x40));
    }

    [Fact]
    public void ThePeriodicTimerBeginsAgainAndStopsAtZero()
    {
        Write(Apic, ApicRegister.DivideConfiguration, 0xB);
        Write(Apic, ApicRegister.LvtTimer, 0x2_0040);
        Write(Apic, ApicRegister.InitialCount, 1000);
        for (int i = 0; i < 3; i++)
        {
            Advance(999);
            Assert.False(Apic.TryAcknowledge(out _));
            Advance(1);
            Assert.Equal(1000u, Read(Apic, ApicRegister.CurrentCount));
            Assert.True(Apic.TryAcknowledge(out _));
            Write(Apic, ApicRegister.EndOfInterrupt, 0);
        }
        Write(Apic, ApicRegister.InitialCount, 0);
        Advance(10_000);
        Assert.False(Apic.HasInterrupt);
    }

    [Fact]
    public void AMaskedTimerCountsButDoesNotInterrupt()
    {
        Write(Apic, ApicRegister.LvtTimer, Masked | 0x40);
        Write(Apic, ApicRegister.InitialCount, 100);
        Advance(100);
        Assert.Equal(50u, Read(Apic, ApicRegister.CurrentCount));
        Advance(1000);
        Assert.Equal("", Takers(0x40));
    }

    [Fact]
    public void TheDeadlineOfTheTimeStampCounter()
    {
        Assert.True(cpus[0].TrySetMsr(TscDeadline, 5000));
        Assert.Equal(0UL, Msr(TscDeadline));
        Write(Apic, ApicRegister.LvtTimer, 0x4_0040);
        cpus[0].TrySetMsr(0x10, 1_000_000);
        cpus[0].TrySetMsr(TscDeadline, 1_005_000);
        Write(Apic, ApicRegister.InitialCount, 10);
        Advance(4_999);
        Assert.Equal(("", 1_005_000UL, 0u), (Takers(0x40), Msr(TscDeadline), Read(Apic, ApicRegister.CurrentCount)));
        Advance(1);
        Assert.Equal(("0", 0UL), (Takers(0x40), Msr(TscDeadline)));
        Apic.TryAcknowledge(out _);
        Write(Apic, ApicRegister.EndOfInterrupt, 0);
        cpus[0].TrySetMsr(TscDeadline, 1);
        Assert.Equal("0", Takers(0x40));
        cpus[0].TrySetMsr(TscDeadline, 2_000_000);
        cpus[0].TrySetMsr(TscDeadline, 0);
        cpus[0].TrySetMsr(TscDeadline, ulong.MaxValue);
        Apic.TryAcknowledge(out _);
        Advance(Clock.NanosecondsPerSecond);
        Assert.Equal("", Takers(0x40));
    }

    [Fact]
    public void AWriteOfTheTimeStampCounterMovesTheDeadline()
    {
        Write(Apic, ApicRegister.LvtTimer, 0x4_0040);
        cpus[0].TrySetMsr(TscDeadline, 10_000);
        cpus[0].TrySetMsr(0x10, 9_000);
        Advance(999);
        Assert.Equal("", Takers(0x40));
        Advance(1);
        Assert.Equal("0", Takers(0x40));
    }

    ulong Msr(uint index, int cpu = 0)
    {
        Assert.True(cpus[cpu].TryGetMsr(index, out ulong value));
        return value;
    }

    [Fact]
    public void ModesFollowEachOtherAsTheManualSays()
    {
        Guest guest = new(cpus[0]);
        const ulong Disabled = Base | 0x100, Xapic = Base | 0x900;
        Assert.False(guest.Wrmsr(0x1B, Base | 0x500));
        Assert.True(guest.Wrmsr(0x1B, ExtendedMode));
        Assert.False(guest.Wrmsr(0x1B, Xapic));
        Assert.True(guest.Wrmsr(0x1B, Disabled));
        Assert.False(guest.Wrmsr(0x1B, ExtendedMode));
        Assert.True(guest.Wrmsr(0x1B, Xapic));
        Assert.False(guest.Wrmsr(0x1B, Xapic | 1UL << 52));
        Assert.False(guest.Wrmsr(0x1B, Xapic | 1));
        cpus[0].ApicBase = ExtendedMode;
        cpus[0].ApicBase = Xapic;
        Assert.Throws<ArgumentException>(() => cpus[0].ApicBase = Base | 0x500);
    }

    /// <summary>WRMSR as the guest does it.</summary>
    readonly struct Guest(Vcpu cpu)
    {
        public unsafe bool Wrmsr(uint index, ulong value) => FastVcpu.Privileged.Msrs.MsrTable.TryWrite(cpu.State, index, value);
    }

    [Fact]
    public void ThePageGoesWhenItIsDisabledOrExtendedAndMoves()
    {
        Assert.True(Apic.Claims(Base + 0x80));
        Assert.False(Apic.Claims(Base + 0x1000));
        cpus[0].ApicBase = 0xD0000000 | 0x900;
        Assert.True(Apic.Claims(0xD0000080));
        Assert.False(Apic.Claims(Base));
        cpus[0].ApicBase = Base | 0xD00;
        Assert.False(Apic.Claims(Base));
        cpus[0].ApicBase = Base | 0x100;
        Assert.False(Apic.Claims(Base));
        Assert.Equal(0u, cpus[0].GetCpuid(1).Edx & 1 << 9);
    }

    [Fact]
    public void EnablingAfterDisablingResetsIt()
    {
        Write(Apic, ApicRegister.LvtTimer, 0x40);
        cpus[0].ApicBase = Base | 0x100;
        cpus[0].ApicBase = Base | 0x900;
        Assert.Equal((0xFFu, Masked), (Read(Apic, ApicRegister.SpuriousVector), Read(Apic, ApicRegister.LvtTimer)));
    }

    [Fact]
    public void TheExtendedRegistersAreMsrs()
    {
        cpus[2].ApicBase = ExtendedMode;
        Assert.Equal((2UL, 0x01050014UL, 4UL), (Msr(0x802, 2), Msr(0x803, 2), Msr(0x80D, 2)));
        Assert.False(cpus[0].TryGetMsr(0x802, out _));
        foreach (uint missing in new uint[] { 0x80E, 0x831, 0x809, 0x80B, 0x83F, 0x80C, 0x800, 0x840, 0x8FF })
        {
            Assert.False(cpus[2].TryGetMsr(missing, out _));
        }
        foreach ((uint index, ulong value) in new (uint, ulong)[] { (0x802, 2), (0x80D, 1), (0x80B, 1), (0x808, 0x100), (0x828, 1), (0x83F, 0x100), (0x839, 0), (0x832, 1 << 20), (0x830, 1 << 20) })
        {
            Assert.False(cpus[2].TrySetMsr(index, value));
        }
        Assert.True(cpus[2].TrySetMsr(0x83F, 0x55));
        Assert.Equal(0x200000u, (uint)Msr(0x822, 2));
        Assert.True(cpus[2].Apic!.TryAcknowledge(out byte vector) && vector == 0x55);
        Assert.True(cpus[2].TrySetMsr(0x80B, 0));
        Assert.True(cpus[2].TrySetMsr(0x808, 0x30));
        Assert.Equal(3UL, cpus[2].Cr8);
    }

    [Fact]
    public void TheExtendedCommandRegisterHas32BitsOfDestination()
    {
        foreach (Vcpu cpu in cpus)
        {
            cpu.ApicBase = ExtendedMode & ~(cpu.IsBootstrap ? 0UL : 0x100);
        }
        cpus[0].TrySetMsr(0x830, 3UL << 32 | 0x40);
        Assert.Equal((3UL << 32 | 0x40, "3"), (Msr(0x830), TakersByMsr(0x40)));
        cpus[0].TrySetMsr(0x830, 0xFFFFFFFFUL << 32 | 0x41);
        Assert.Equal("0123", TakersByMsr(0x41));
        cpus[0].TrySetMsr(0x830, 6UL << 32 | 0x842);
        Assert.Equal("12", TakersByMsr(0x42));
        cpus[0].TrySetMsr(0x830, 0x1_0006UL << 32 | 0x843);
        Assert.Equal("", TakersByMsr(0x43));
    }

    string TakersByMsr(byte vector) => string.Concat(cpus.Select((_, i) => (Msr(0x820u + vector / 32u, i) >> vector % 32 & 1) != 0 ? $"{i}" : ""));

    [Fact]
    public void CpuidTellsNumberTimerAndMode()
    {
        Assert.Equal((3u << 24, 1u << 9), (cpus[3].GetCpuid(1).Ebx & 0xFF000000, cpus[3].GetCpuid(1).Edx & 1 << 9));
        Assert.Equal(1u << 21 | 1 << 24, cpus[3].GetCpuid(1).Ecx & (1u << 21 | 1 << 24));
        Assert.Equal((3u, 0x100u), (cpus[3].GetCpuid(0xB).Edx, cpus[3].GetCpuid(0xB).Ecx));
        Assert.Equal((3u, 0x201u), (cpus[3].GetCpuid(0xB, 1).Edx, cpus[3].GetCpuid(0xB, 1).Ecx));
        Assert.True(cpus[3].GetCpuid(0).Eax >= 0x15);
        Assert.Equal(1_000_000_000u, cpus[3].GetCpuid(0x15).Ecx);
        Assert.Equal((2u, 0u), (cpus[3].GetCpuid(7).Ebx & 2, cpus[3].GetCpuid(7, 1).Ebx & 2));
    }

    [Fact]
    public void TheStatePageGoesAndComes()
    {
        Write(Apic, ApicRegister.DivideConfiguration, 0xB);
        Write(Apic, ApicRegister.LvtTimer, 0x40);
        Write(Apic, ApicRegister.TaskPriority, 0x20);
        Command(0x4_0071);
        Write(Apic, ApicRegister.InitialCount, 1000);
        Advance(300);
        byte[] page = cpus[0].LocalApicState;
        Assert.Equal(700u, BitConverter.ToUInt32(page, ApicRegister.CurrentCount));
        cpus[1].LocalApicState = page;
        Assert.Equal((2UL, true), (cpus[1].Cr8, cpus[1].Apic!.HasInterrupt));
        Assert.Equal(page, cpus[1].LocalApicState);
        Advance(700);
        Assert.Equal("01", Takers(0x40));
        Assert.Throws<ArgumentException>(() => cpus[0].LocalApicState = new byte[100]);
    }

    [Fact]
    public void ACopyElapsesAtTheSameTimeToTheNanosecond()
    {
        Write(Apic, ApicRegister.DivideConfiguration, 0xA);
        Write(Apic, ApicRegister.LvtTimer, 0x2_0040);
        Advance(77);
        Write(Apic, ApicRegister.InitialCount, 10);
        Advance(130);
        cpus[1].LocalApicState = cpus[0].LocalApicState;
        Assert.NotEqual(cpus[0].LocalApicTimerDeadline, cpus[1].LocalApicTimerDeadline);
        cpus[1].LocalApicTimerDeadline = cpus[0].LocalApicTimerDeadline;
        Advance(1280 - 131);
        Assert.Equal("", Takers(0x40));
        Advance(1);
        Assert.Equal("01", Takers(0x40));
        Assert.Equal(77 + 2 * 1280, cpus[1].LocalApicTimerDeadline);
        cpus[1].LocalApicTimerDeadline = long.MaxValue;
        Assert.Equal(0u, Read(cpus[1].Apic!, ApicRegister.CurrentCount));
    }

    [Fact]
    public void MessageSignalledInterrupts()
    {
        Assert.Equal(1, vm.SignalMsi(Base | 2 << 12, 0x40));
        Assert.Equal(4, vm.SignalMsi(Base | 0xFF << 12, 0x41));
        Assert.Equal(("2", "0123"), (Takers(0x40), Takers(0x41)));
        Write(cpus[3].Apic!, ApicRegister.LogicalDestination, 0x80u << 24);
        Assert.Equal(1, vm.SignalMsi(Base | 0x80 << 12 | 4, 0xC142));
        Assert.Equal("3", Takers(0x42));
        Assert.Equal(4u, Read(cpus[3].Apic!, ApicRegister.TriggerMode + 32));
    }

    public void Dispose() => vm.Dispose();
}
