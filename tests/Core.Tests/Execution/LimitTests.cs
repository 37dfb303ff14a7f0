namespace FastVcpu.Tests.Execution;

/// <summary>A run of N instructions retires N, whatever the code, and stops in the exact state.</summary>
public sealed class LimitTests
{
    [Fact]
    public void EveryLimitStopsWhereSoManySingleStepsStop()
    {
        using Guest whole = Program(), stepped = Program();
        long length = whole.RunToEnd().Exit.InstructionsRetired;
        Assert.InRange(length, 100, 1000);
        for (long limit = 1; limit <= length; limit++)
        {
            whole.Rewind();
            whole.Regs.Rflags = 2;
            stepped.Run(1);
            Assert.Equal((ExitReason.InstructionLimit, 1), (stepped.Exit.Reason, stepped.Exit.InstructionsRetired));

            using Guest limited = Program();
            limited.Run(limit);
            Assert.Equal((ExitReason.InstructionLimit, limit), (limited.Exit.Reason, limited.Exit.InstructionsRetired));
            Assert.Equal(limited.Registers, stepped.Registers);
        }
    }

    [Fact]
    public void ARunGoesOnWhereTheLastOneStopped()
    {
        using Guest whole = Program(), pieces = Program();
        whole.RunToEnd();
        long retired = 0;
        for (long piece = 1; !pieces.IsDone; piece = piece % 7 + 1)
        {
            retired += pieces.Run(piece).Exit.InstructionsRetired;
        }

        Assert.Equal(whole.Exit.InstructionsRetired, retired);
        Assert.Equal(whole.Registers, pieces.Registers);
    }

    [Fact]
    public void ALimitOfZeroRetiresNothing()
    {
        using Guest guest = new(64, c => c.inc(eax));
        guest.Run(0);
        Assert.Equal((ExitReason.InstructionLimit, 0L, Guest.Code), (guest.Exit.Reason, guest.Exit.InstructionsRetired, guest.Regs.Rip));
    }

    [Fact]
    public void AFaultRetiresNothing()
    {
        using Guest guest = new(64, c =>
        {
            c.inc(eax);
            c.mov(__dword_ptr[rbx], eax);
        });
        guest.Run();
        Assert.Equal((ExitReason.Exception, Guest.PageFault, 1L), (guest.Exit.Reason, guest.Exit.Vector, guest.Exit.InstructionsRetired));
        guest.Run(1);
        Assert.Equal((ExitReason.Exception, 0L), (guest.Exit.Reason, guest.Exit.InstructionsRetired));
    }

    [Fact]
    public void ARepInstructionRetiresOnce()
    {
        using Guest guest = new(64, c =>
        {
            c.mov(rdi, Guest.Data);
            c.mov(ecx, 5000);
            c.rep.stosb();
            c.inc(eax);
        });
        Assert.Equal(4, guest.RunToEnd().Exit.InstructionsRetired);
        Assert.Equal(Guest.Data + 5000, guest.Regs.Rdi);
    }

    [Fact]
    public void ARepInstructionCanBeInterruptedBetweenItsElements()
    {
        const ulong Start = 0x1000_0000, Size = 64 << 20;
        using Guest guest = new(64, c =>
        {
            c.mov(rdi, Start + Size - 1);
            c.mov(rcx, Size);
            c.mov(al, 0x5A);
            c.std();
            c.rep.stosb();
            c.cld();
        });
        guest.Space.Map(Start, Size, PagePermissions.Read | PagePermissions.Write);
        guest.Run(4);
        ulong rep = guest.Regs.Rip;
        bool isDone = false;
        Thread interrupter = new(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                guest.Cpu.RequestExit();
                Thread.Sleep(1);
            }
        });
        interrupter.Start();
        int interruptions = 0;
        while (guest.Regs.Rip == rep)
        {
            guest.Run(1);
            // Whatever has been done is done whole: the count and the pointer agree, and so does memory.
            ulong left = guest.Regs.Rcx;
            Assert.Equal(Start + left - 1, guest.Regs.Rdi);
            Assert.True(left == Size || guest.Space.Read<byte>(Start + left) == 0x5A);
            Assert.True(left == 0 || guest.Space.Read<byte>(Start + left - 1) == 0);
            if (guest.Exit.Reason == ExitReason.Interrupted)
            {
                Assert.Equal((rep, 0L), (guest.Regs.Rip, guest.Exit.InstructionsRetired));
                interruptions += left != Size ? 1 : 0;
            }
        }

        Volatile.Write(ref isDone, true);
        interrupter.Join();
        Assert.Equal((ExitReason.InstructionLimit, 1L, 0UL), (guest.Exit.Reason, guest.Exit.InstructionsRetired, guest.Regs.Rcx));
        Assert.True(interruptions > 0, "The instruction was never interrupted.");
    }

    /// <summary>A loop with a call, memory, a string instruction and branches both ways.</summary>
    static Guest Program() => new(64, c =>
    {
        Iced.Intel.Label loop = c.CreateLabel(), even = c.CreateLabel(), routine = c.CreateLabel(), end = c.CreateLabel();
        c.mov(r8d, 20);
        c.mov(rbx, Guest.Data);
        c.Label(ref loop);
        c.call(routine);
        c.test(r8d, 1);
        c.je(even);
        c.add(__qword_ptr[rbx], rax);
        c.Label(ref even);
        c.dec(r8d);
        c.jne(loop);
        c.mov(rax, __qword_ptr[rbx]);
        c.jmp(end);
        c.Label(ref routine);
        c.push(rcx);
        c.mov(rdi, rbx);
        c.lea(rdi, __[rdi + 64]);
        c.mov(ecx, r8d);
        c.rep.stosb();
        c.imul(rax, rax, 7);
        c.adc(rax, 3);
        c.pop(rcx);
        c.ret();
        c.Label(ref end);
        c.nop();
    });
}
