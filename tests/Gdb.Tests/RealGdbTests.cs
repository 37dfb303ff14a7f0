namespace FastVcpu.Gdb.Tests;

/// <summary>A real gdb against a guest with interrupts enabled and a running timer: the three benefits of BLOCKIRQ, and the rest of a session.</summary>
public sealed class RealGdbTests
{
    const ulong Interrupt = 0x200;
    const string HoldNothing = "maintenance packet Qqemu.sstep=1", HoldInterrupts = "maintenance packet Qqemu.sstep=3";

    /// <summary>Counts in EAX at 1000h, with a subroutine; its timer interrupts it all the time.</summary>
    static TimedGuest Counter()
    {
        TimedGuest guest = new(a =>
        {
            a.inc(eax);
            a.pushf();
            a.pop(cx);
            a.mov(__dword_ptr[bx], eax);
            a.jmp(RealMachine.Code);
        });
        guest.Machine.SetHandler(TimedGuest.TimerVector, a => { a.inc(di); a.iret(); });
        guest.Machine.Regs.Rflags |= Interrupt;
        guest.Machine.Regs.Rbx = RealMachine.Data;
        guest.Start();
        return guest;
    }

    [GdbFact]
    public void ResumingFromABreakpointMakesProgress()
    {
        using TimedGuest guest = Counter();
        string output = RealGdb.Run(guest.Port, "break *0x1000", "continue", "set $old = $eax", "continue", "continue", "continue", "printf \"rounds %d\\n\", $eax - $old");
        Assert.Contains("rounds 3", output);
    }

    [GdbFact]
    public void AStepNeverLandsInTheHandlerWithInterruptsHeld()
    {
        const string Walk = "python pcs = []\nfor i in range(60):\n  gdb.execute('stepi', to_string=True)\n  pcs.append(int(gdb.parse_and_eval('$eip')))\nprint('in handler', sum(1 for pc in pcs if pc >= 0x3000))";
        using TimedGuest held = Counter();
        Assert.Contains("in handler 0", RealGdb.Run(held.Port, HoldInterrupts, Walk));
        using TimedGuest free = Counter();
        string output = RealGdb.Run(free.Port, HoldNothing, Walk);
        Assert.Contains("in handler", output);
        Assert.DoesNotContain("in handler 0", output);
    }

    [GdbFact]
    public void TheTrapFlagNeverReachesTheGuest()
    {
        const string Walk = "python traps = 0\nfor i in range(60):\n  gdb.execute('stepi', to_string=True)\n  flags = int(gdb.parse_and_eval('$ecx'))\n  frame = int(gdb.parse_and_eval('*(unsigned short*)($esp - 2)'))\n  traps += (flags >> 8 & 1) + (frame >> 8 & 1)\nprint('traps', traps)";
        using TimedGuest guest = Counter();
        Assert.Contains("traps 0", RealGdb.Run(guest.Port, HoldNothing, Walk));
    }

    [GdbFact]
    public void WatchpointsRegistersAndMemory()
    {
        using TimedGuest guest = Counter();
        string output = RealGdb.Run(guest.Port,
            "watch *(int*)0x9000", "continue", "continue", "delete", "info registers eip", "print/x $cs_base", "x/2xb 0x1000", "info threads", "monitor help");
        Assert.Contains("Hardware watchpoint 1", output);
        Assert.Contains("New value = ", output);
        Assert.Contains("eip", output);
        Assert.Contains("0x66", output);
        Assert.Contains("CPU#0", output);
        Assert.Contains("translate ADDRESS", output);
    }

    [GdbFact]
    public void TheDescriptionIsUnderstood()
    {
        using TimedGuest guest = Counter();
        string output = RealGdb.Run(guest.Port, "info registers xmm7", "info registers ymm7", "info registers mxcsr", "print $st0", "print/x $cr0", "print $eflags");
        Assert.Contains("v4_float", output);
        Assert.Contains("mxcsr", output);
        Assert.Contains("[ IF ]", output);
        Assert.DoesNotContain("warning", output.Replace("warning: No executable has been specified", ""));
        Assert.DoesNotContain("void", output);
    }
}
