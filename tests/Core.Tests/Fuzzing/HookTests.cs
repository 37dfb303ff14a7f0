namespace FastVcpu.Tests.Fuzzing;

/// <summary>Hooks end runs in front of an instruction; what happens then is the embedder's choice.</summary>
public sealed class HookTests
{
    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(1)]
    [InlineData(3)]
    public void ARunEndsAtEachPassOfAHookAndGoesOnBehindIt(long limit)
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label loop = c.CreateLabel();
            c.mov(ecx, 50);
            c.Label(ref loop);
            c.inc(eax);
            c.inc(ebx);
            c.dec(ecx);
            c.jne(loop);
        });
        ulong place = Guest.Code + 7;
        guest.RunToEnd();
        Assert.True(guest.Cpu.AddHook(place));
        Assert.False(guest.Cpu.AddHook(place));
        guest.Rewind();
        (guest.Regs.Rax, guest.Regs.Rbx) = (0, 0);
        int hits = 0;
        for (int runs = 0; runs < 1000; runs++)
        {
            VcpuExit exit = guest.Cpu.Run(limit);
            if (exit.Reason == ExitReason.Hook)
            {
                Assert.Equal((place, place, (ulong)hits + 1, (ulong)hits), (exit.Address, guest.Regs.Rip, guest.Regs.Rax, guest.Regs.Rbx));
                hits++;
            }
            else if (exit.Reason != ExitReason.InstructionLimit)
            {
                break;
            }
        }
        Assert.Equal((50, 50ul), (hits, guest.Regs.Rbx));
        Assert.True(guest.Cpu.RemoveHook(place));
        guest.Rewind();
        guest.RunToEnd();
        Assert.Equal(100ul, guest.Regs.Rbx);
    }

    /// <summary>The function that is called is replaced by the embedder: it never runs.</summary>
    [Fact]
    public void TheEmbedderMayGoOnElsewhere()
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label function = c.CreateLabel(), end = c.CreateLabel();
            c.call(function);
            c.inc(ebx);
            c.jmp(end);
            c.Label(ref function);
            c.ud2();
            c.Label(ref end);
            c.nop();
        });
        guest.Cpu.AddHook(Guest.Code + 9);
        VcpuExit exit = guest.Cpu.Run(100);
        Assert.Equal(ExitReason.Hook, exit.Reason);
        guest.Regs.Rip = guest.Space.Read<ulong>(guest.Regs.Rsp);
        guest.Regs.Rsp += 8;
        guest.Regs.Rax = 42;
        guest.RunToEnd();
        Assert.Equal((42ul, 1ul), (guest.Regs.Rax, guest.Regs.Rbx));
    }

    [Fact]
    public void ARestoredStateMeetsItsHookAgain()
    {
        using Guest guest = new(64, [0x90, 0x90]);
        VcpuState state = guest.Cpu.SaveState();
        guest.Cpu.AddHook(Guest.Code);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(ExitReason.Hook, guest.Cpu.Run(10).Reason);
            guest.Cpu.RestoreState(state);
        }
        Assert.Equal(ExitReason.Hook, guest.Cpu.Run(10).Reason);
        guest.RunToEnd();
    }
}
