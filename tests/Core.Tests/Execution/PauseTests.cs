using System.Runtime.InteropServices;
using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>PAUSE gives the host's processor to whom the guest waits for. What shows that is the number of instructions that it has waited, not a time.</summary>
public sealed partial class PauseTests
{
    const int Rounds = 200;

    /// <summary>Instructions between the two waits that were measured: 390 with a PAUSE that gives way; without, the whole turn that the host gives a thread, five million.</summary>
    const long LongWait = 50_000;

    [Fact]
    public void TwoCpusOnOneProcessorOfTheHostWaitForEachOtherNoLongerThanNeeded()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // Each adds one to the number when its lowest bit is the CPU's own.
        using Guest first = new(64, c =>
        {
            Label wait = c.CreateLabel(), mine = c.CreateLabel();
            c.mov(rbx, Guest.Data);
            c.mov(ecx, Rounds);
            c.Label(ref wait);
            c.mov(eax, __dword_ptr[rbx]);
            c.xor(eax, edi);
            c.test(al, 1);
            c.je(mine);
            c.pause();
            c.jmp(wait);
            c.Label(ref mine);
            c.inc(__dword_ptr[rbx]);
            c.dec(ecx);
            c.jne(wait);
        });
        using Vcpu second = new(first.Cpu.Model, first.Space, CodeSize.Bits64);
        second.Regs.Rip = Guest.Code;
        second.Regs.Rdi = 1;
        VcpuExit[] exits = new VcpuExit[2];
        Thread[] threads = [.. new[] { first.Cpu, second }.Select((cpu, i) => new Thread(() =>
        {
            StayOnOneProcessor();
            exits[i] = cpu.Run(Rounds * LongWait);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(exits, exit => Assert.Equal((ExitReason.Exception, Guest.InvalidOpcode), (exit.Reason, exit.Vector)));
        Assert.Equal(2 * Rounds, first.Space.Read<int>(Guest.Data));
    }

    /// <summary>Both threads on the first processor that they may use.</summary>
    static void StayOnOneProcessor()
    {
        ulong[] processors = new ulong[16];
        Assert.True(GetAffinity(0, (nuint)Buffer.ByteLength(processors), processors) >= 0);
        int word = Array.FindIndex(processors, bits => bits != 0);
        ulong[] one = new ulong[processors.Length];
        one[word] = processors[word] & (0 - processors[word]);
        Assert.Equal(0, SetAffinity(0, (nuint)Buffer.ByteLength(one), one));
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint size, [Out] ulong[] processors);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint size, ulong[] processors);
}
