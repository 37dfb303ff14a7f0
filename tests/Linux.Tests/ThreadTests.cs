using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Threads of a guest: shared memory, futexes, locked instructions, and the end of one among many.</summary>
public class ThreadTests
{
    const long Data = (long)ElfBuilder.Data;
    const int Threads = 4, Rounds = 20_000;

    /// <summary>CLONE_VM FS FILES SIGHAND THREAD SYSVSEM PARENT_SETTID CHILD_CLEARTID.</summary>
    internal const int ThreadFlags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x100000 | 0x200000;

    [Fact]
    public void ThreadsCountTogetherAndAreWaitedForByFutex()
    {
        GuestResult result = GuestCode.Run(64, CountTogether);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public void MemoryThatAThreadUnmapsFaultsInAnother()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label child = a.CreateLabel(), read = a.CreateLabel(), again = a.CreateLabel();
            a.Call64(9, 0, 0x10000, 3, 0x22, -1, 0);
            a.mov(r15, rax);
            StartThread(a, child, Data + 64);
            a.mov(r14d, 2000);
            a.Label(ref again);
            a.mov(rdi, r15);
            a.Call64(9, null, 0x10000, 3, 0x32, -1, 0);
            a.cmp(rax, r15);
            a.RequireEqual(1);
            a.dec(r14d);
            a.jnz(again);
            a.mov(rdi, r15);
            a.Call64(11, null, 0x10000);
            WaitForEnd(a, Data + 64);
            a.Exit(2);

            a.Label(ref child);
            a.nop();
            a.Label(ref read);
            a.inc(__qword_ptr[r15 + 8]);
            a.jmp(read);
        });
        Assert.Equal(128 + 11, result.ExitCode);
    }

    [Fact]
    public void ExitGroupEndsThreadsThatWaitAndThreadsThatRun()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label spinning = a.CreateLabel(), waiting = a.CreateLabel(), forever = a.CreateLabel();
            StartThread(a, spinning, Data + 64);
            StartThread(a, waiting, Data + 72);
            a.Exit(9);
            a.Label(ref spinning);
            a.nop();
            a.Label(ref forever);
            a.jmp(forever);
            a.Label(ref waiting);
            a.Call64(34);
            a.ud2();
        });
        Assert.Equal((9, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public void ExecOfOneThreadEndsTheOthers()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label spinning = a.CreateLabel(), forever = a.CreateLabel(), path = a.CreateLabel();
            StartThread(a, spinning, Data + 64);
            a.lea(rdi, __[path]);
            a.mov(rbx, Data + 128);
            a.mov(__qword_ptr[rbx], rdi);
            a.Call64(59, null, Data + 128, 0);
            a.Exit(1);
            a.Label(ref spinning);
            a.nop();
            a.Label(ref forever);
            a.jmp(forever);
            a.Label(ref path);
            a.db("/bin/true\0"u8.ToArray());
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    /// <summary>Starts a thread on a stack of its own; its number goes to <paramref name="id"/> until it ends.</summary>
    internal static void StartThread(Assembler a, Label start, long id)
    {
        a.Call64(9, 0, 0x10000, 3, 0x22, -1, 0);
        a.lea(rsi, __[rax + 0x10000]);
        a.Call64(56, ThreadFlags, null, id, id, 0);
        a.test(eax, eax);
        a.je(start);
        Label good = a.CreateLabel();
        a.jg(good);
        a.Exit(101);
        a.Label(ref good);
        a.nop();
    }

    /// <summary>A program whose threads count in one word, and which ends with code 0 when they have ended and the sum is right.</summary>
    static void CountTogether(Assembler a)
    {
        Label child = a.CreateLabel(), again = a.CreateLabel();
        for (int i = 0; i < Threads; i++)
        {
            StartThread(a, child, Data + 64 + i * 8);
        }

        for (int i = 0; i < Threads; i++)
        {
            WaitForEnd(a, Data + 64 + i * 8);
        }

        a.mov(rax, Data);
        a.cmp(__dword_ptr[rax], Threads * Rounds);
        a.RequireEqual(1);
        a.Exit(0);

        a.Label(ref child);
        a.mov(ecx, Rounds);
        a.mov(rbx, Data);
        a.Label(ref again);
        a.@lock.inc(__dword_ptr[rbx]);
        a.dec(ecx);
        a.jnz(again);
        a.Call64(60, 0);
    }

    internal static void WaitForEnd(Assembler a, long id)
    {
        Label look = a.CreateLabel(), ended = a.CreateLabel();
        a.Label(ref look);
        a.mov(rax, id);
        a.mov(edx, __dword_ptr[rax]);
        a.test(edx, edx);
        a.je(ended);
        a.Call64(202, id, 0, null, 0);
        a.jmp(look);
        a.Label(ref ended);
        a.nop();
    }
}
