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
        const ulong Start = 0x1000_0000, Size = 64 << 20, Direction = 0x400;
        using Guest guest = new(64, c =>
        {
            c.rep.stosb();
            c.cld();
        });
        guest.Space.Map(Start, Size, PagePermissions.Read | PagePermissions.Write);
        guest.Regs.Rflags = Direction | 2;
        using ExitRequests requests = new(guest.Cpu);
        byte value = 0;
        // Once more, should all requests have come before the first element or behind the last one.
        Background.Until(() => FillBackwards(guest, Start, Size, ++value) > 0);
    }

    /// <summary>Fills memory, which holds the value before; returns how often that was interrupted in the middle.</summary>
    static int FillBackwards(Guest guest, ulong start, ulong size, byte value)
    {
        guest.Rewind();
        guest.Regs.Rdi = start + size - 1;
        guest.Regs.Rcx = size;
        guest.Regs.Rax = value;
        int interruptions = 0;
        while (guest.Regs.Rip == Guest.Code)
        {
            guest.Run(1);
            // Whatever has been done is done whole: the count and the pointer agree, and so does memory.
            ulong left = guest.Regs.Rcx;
            Assert.Equal(start + left - 1, guest.Regs.Rdi);
            Assert.True(left == size || guest.Space.Read<byte>(start + left) == value);
            Assert.True(left == 0 || guest.Space.Read<byte>(start + left - 1) == (byte)(value - 1));
            if (guest.Exit.Reason == ExitReason.Interrupted)
            {
                Assert.Equal((Guest.Code, 0L), (guest.Regs.Rip, guest.Exit.InstructionsRetired));
                interruptions += left != size ? 1 : 0;
            }
        }

        Assert.Equal((ExitReason.InstructionLimit, 1L, 0UL), (guest.Exit.Reason, guest.Exit.InstructionsRetired, guest.Regs.Rcx));
        return interruptions;
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
