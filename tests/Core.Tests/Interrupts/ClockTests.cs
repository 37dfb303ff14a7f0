namespace FastVcpu.Tests.Interrupts;

public class ClockTests
{
    static (VirtualMachine Vm, Vcpu Cpu, InstructionClock Clock) Counting(params byte[] code)
    {
        InstructionClock clock = new(nanosecondsPerInstruction: 10);
        VirtualMachine vm = new(clock);
        vm.AllocateMemory(0, 0, 1 << 16);
        Assert.True(vm.TryWritePhysical(0x1000, code));
        Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        cpu.Segments.SetReal(1, 0);
        cpu.Regs.Rip = 0x1000;
        return (vm, cpu, clock);
    }

    /// <summary>INC AX eight times in a block, and once more.</summary>
    static byte[] Loop => [.. Enumerable.Repeat((byte)0x40, 8), 0xEB, 0xF6];

    /// <summary>However often the code has run before, and how its blocks are linked by then. Blocks without a branch fall through to the next one.</summary>
    [Fact]
    public void ATimerCanEndTheRunInFrontOfOneCertainInstruction()
    {
        (VirtualMachine vm, Vcpu cpu, InstructionClock clock) = Counting([.. Enumerable.Repeat((byte)0x40, 300), 0xE9, 0xD1, 0xFE]);
        using (vm)
        {
            ClockTimer timer = clock.CreateTimer(cpu.RequestExit);
            for (int round = 0; round < 400; round++)
            {
                cpu.Regs.Rip = 0x1000;
                timer.Set(clock.Now + 10 * (400 + round % 7));
                VcpuExit exit = cpu.Run(20_000);
                Assert.Equal((ExitReason.Interrupted, 400 + round % 7), (exit.Reason, exit.InstructionsRetired));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(12345)]
    public void ATimerElapsesInFrontOfOneCertainInstruction(int instructions)
    {
        (VirtualMachine vm, Vcpu cpu, InstructionClock clock) = Counting(Loop);
        using (vm)
        {
            (long, ulong, ulong) seen = default;
            ClockTimer timer = clock.CreateTimer(() => seen = (clock.Now, cpu.Regs.Rax, cpu.Regs.Rip));
            timer.Set(instructions * 10 - 9);
            Assert.Equal(ExitReason.InstructionLimit, cpu.Run(20_000).Reason);
            int rounds = instructions / 9, rest = instructions % 9;
            Assert.Equal((instructions * 10L, (ulong)(rounds * 8 + rest) & 0xFFFF, 0x1000UL + (ulong)rest), seen);
            Assert.False(timer.IsSet);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AnInterruptBehindABranchThatIsNotLinkedYetDoesNotBecomeItsTarget(int instructions)
    {
        // INC AX; JMP to the next instruction; INC CX; JMP back.
        (VirtualMachine vm, Vcpu cpu, InstructionClock clock) = Counting(0x40, 0xEB, 0x00, 0x41, 0xEB, 0xFA);
        using (vm)
        {
            Assert.True(vm.TryWritePhysical(0x40 * 4, [0x00, 0x20, 0x00, 0x00]));
            Assert.True(vm.TryWritePhysical(0x2000, [0x42, 0xCF]));
            cpu.Regs.Rdx = 0;
            cpu.Regs.Rsp = 0x8000;
            cpu.Regs.Rflags = 0x202;
            clock.CreateTimer(() => cpu.Interrupt(0x40)).Set(instructions * 10);
            cpu.Run(2 + 400);
            Assert.Equal((100UL, 100UL, 1UL, 0x8000UL), (cpu.Regs.Rax, cpu.Regs.Rcx, cpu.Regs.Rdx, cpu.Regs.Rsp));
        }
    }

    [Fact]
    public void ARunThatBeginsElsewhereDoesNotChangeWhereABranchLeads()
    {
        (VirtualMachine vm, Vcpu cpu, _) = Counting(0x40, 0xEB, 0x00, 0x41, 0xEB, 0xFA);
        using (vm)
        {
            Assert.True(vm.TryWritePhysical(0x2000, [0x42, 0xF4]));
            cpu.Regs.Rdx = 0;
            cpu.Run(2);
            cpu.Regs.Rip = 0x2000;
            cpu.Run(1);
            cpu.Regs.Rip = 0x1000;
            cpu.Run(400);
            Assert.Equal((101UL, 100UL, 1UL), (cpu.Regs.Rax, cpu.Regs.Rcx, cpu.Regs.Rdx));
        }
    }

    [Fact]
    public void ATimerThatSetsItselfAgainIsPeriodic()
    {
        (VirtualMachine vm, Vcpu cpu, InstructionClock clock) = Counting(Loop);
        using (vm)
        {
            List<long> times = [];
            ClockTimer? timer = null;
            timer = clock.CreateTimer(() =>
            {
                times.Add(clock.Now);
                timer!.Set(clock.Now + 250);
            });
            timer.Set(250);
            cpu.Run(50);
            cpu.Run(50);
            Assert.Equal([250, 500, 750, 1000], times);
        }
    }

    [Fact]
    public void OfSeveralTimersTheEarliestElapsesFirstAndOfEqualOnesTheFirstSet()
    {
        InstructionClock clock = new();
        List<int> order = [];
        ClockTimer[] timers = [.. Enumerable.Range(0, 4).Select(i => clock.CreateTimer(() => order.Add(i)))];
        timers[2].Set(5);
        timers[0].Set(9);
        timers[1].Set(5);
        timers[3].Set(1);
        timers[3].Cancel();
        clock.Set(9);
        clock.FireDue();
        Assert.Equal([2, 1, 0], order);
    }

    /// <summary>RDTSC in the middle of a block, and at the end of a long one.</summary>
    [Fact]
    public void TheTimeStampCounterIsExactInTheMiddleOfABlock()
    {
        (VirtualMachine vm, Vcpu cpu, _) = Counting(0x40, 0x40, 0x0F, 0x31, 0x89, 0xC3, 0x40, 0x0F, 0x31);
        using (vm)
        {
            cpu.Run(6);
            Assert.Equal((20UL, 50UL), (cpu.Regs.Rbx, cpu.Regs.Rax));
        }
    }

    [Fact]
    public void APausedClockStandsAndGoesOnFromThere()
    {
        RealClock clock = new(), other = new();
        clock.Pause();
        long before = clock.Now;
        Thread.Sleep(5);
        Assert.Equal(before, clock.Now);
        clock.Set(1000 * Clock.NanosecondsPerSecond);
        long begin = other.Now;
        clock.Resume();
        Assert.InRange(clock.Now - 1000 * Clock.NanosecondsPerSecond, 0, other.Now - begin);
    }

    [Fact]
    public void ATimerOfTheRealClockElapsesNotBeforeItsTime()
    {
        RealClock clock = new();
        using ManualResetEventSlim done = new();
        long elapsedAt = 0;
        ClockTimer timer = clock.CreateTimer(() =>
        {
            elapsedAt = clock.Now;
            done.Set();
        });
        long deadline = clock.Now + 3_000_000;
        timer.Set(deadline + Clock.NanosecondsPerSecond);
        timer.Set(deadline);
        Assert.True(done.Wait(Background.Patience));
        Assert.True(elapsedAt >= deadline);
    }

    [Fact]
    public void ATimerOfAPausedClockWaits()
    {
        RealClock clock = new();
        using ManualResetEventSlim done = new();
        clock.Pause();
        clock.CreateTimer(done.Set).Set(clock.Now + 1);
        Assert.False(done.Wait(20));
        clock.Resume();
        Assert.True(done.Wait(Background.Patience));
    }
}
