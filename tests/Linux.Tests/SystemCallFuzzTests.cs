using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>A program that makes random system calls with random arguments does no harm to the host, whatever it does to itself.</summary>
public class SystemCallFuzzTests
{
    const long Data = (long)ElfBuilder.Data;
    const int Calls = 5000, Numbers = 460;

    /// <summary>FASTVCPU_FUZZ_SECONDS makes it longer.</summary>
    static readonly TimeSpan Budget = TimeSpan.FromSeconds(Repository.Number("FASTVCPU_FUZZ_SECONDS", 6));

    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    public void RandomCallsDoNoHarm(int bits)
    {
        // A program mostly ends soon, as it unmaps its own code: many of them are started.
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int seed = (int)Repository.Number("FASTVCPU_FUZZ_SEED", 1); System.Diagnostics.Stopwatch.GetElapsedTime(start) < Budget; seed++)
        {
            Run(bits, seed);
        }
    }

    static void Run(int bits, int seed)
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["root/dir"]);
        File.WriteAllText(folder["root/file"], "contents");
        File.WriteAllText(folder["in"], "input");
        folder.Write("root/program", ElfBuilder.Build(bits, a => Write(a, bits, seed)));
        using Microsoft.Win32.SafeHandles.SafeFileHandle stream = File.OpenHandle(folder["in"], FileMode.Open, FileAccess.ReadWrite);
        LinuxOptions options = new()
        {
            Root = folder["root"],
            IsWritable = true,
            MemoryLimit = 64 << 20,
            StandardInput = stream,
            StandardOutput = stream,
            StandardError = stream,
            SystemCallTrace = TextWriter.Null,
        };
        using LinuxProcess process = new("/program", options);

        // Some calls wait for ever.
        using Timer timer = new(_ => process.Kill(), null, Patience, Timeout.InfiniteTimeSpan);
        process.Run();
    }

    /// <summary>
    /// For each call a number and six arguments from a table of values that get somewhere: small numbers, -1, addresses of zeros, of a path,
    /// of the table, of code, of nothing, and random bits. EBX/RBX counts, the state of the random numbers is in memory.
    /// </summary>
    static void Write(Assembler a, int bits, int seed)
    {
        long path = Data + 0x100, random = Data + 0x200;
        long[] values = [0, 1, 2, 3, 4, 7, 8, 16, 64, 0x1000, 0x2000, -1, -100, 0x22, path, path + 8, Data, Data + 0x800, Data + 0x1FF8, (long)ElfBuilder.Base, 0x7FFF_F000, 0x1_0000_0000];
        Label again = a.CreateLabel(), next = a.CreateLabel(), start = a.CreateLabel(), skip = a.CreateLabel();
        a.jmp(start);

        // Next random number into EAX (a linear congruential generator); 32-bit code can do it too.
        a.Label(ref next);
        a.mov(eax, __dword_ptr[random]);
        a.imul(eax, eax, 1664525);
        a.add(eax, 1013904223);
        a.mov(__dword_ptr[random], eax);
        a.shr(eax, 8);
        a.ret();

        a.Label(ref start);
        a.mov(__dword_ptr[random], seed * 7919);
        a.mov(__dword_ptr[path], BitConverter.ToInt32("/fil"u8));
        a.mov(__dword_ptr[path + 4], BitConverter.ToInt32("e\0\0\0"u8));
        a.mov(__dword_ptr[path + 8], BitConverter.ToInt32("/dir"u8));
        for (int i = 0; i < values.Length; i++)
        {
            a.mov(__dword_ptr[Data + 0x400 + i * 8], (int)values[i]);
            a.mov(__dword_ptr[Data + 0x404 + i * 8], (int)(values[i] >> 32));
        }

        a.mov(__dword_ptr[random + 8], Calls);
        a.Label(ref again);
        a.dec(__dword_ptr[random + 8]);
        Label on = a.CreateLabel();
        a.jnz(on);
        a.Exit(0);
        a.Label(ref on);
        a.nop();
        for (int i = 0; i < 6; i++)
        {
            a.call(next);
            a.xor(edx, edx);
            a.mov(ecx, values.Length);
            a.div(ecx);
            if (bits == 64)
            {
                a.push(__qword_ptr[rdx * 8 + (Data + 0x400)]);
            }
            else
            {
                a.push(__dword_ptr[edx * 8 + (Data + 0x400)]);
            }
        }

        a.call(next);
        a.xor(edx, edx);
        a.mov(ecx, Numbers);
        a.div(ecx);
        a.mov(eax, edx);

        // Not its own end (exit, exit_group, execve, execveat, sigreturn), nor what mostly waits (pause, sigsuspend, sigtimedwait, futex).
        foreach (int number in bits == 64 ? (int[])[60, 231, 59, 322, 15, 34, 130, 128, 202] : [1, 252, 11, 358, 119, 173, 29, 72, 179, 177, 421, 240, 422])
        {
            a.cmp(eax, number);
            a.je(skip);
        }

        if (bits == 64)
        {
            a.pop(rdi);
            a.pop(rsi);
            a.pop(rdx);
            a.pop(r10);
            a.pop(r8);
            a.pop(r9);
            a.syscall();
        }
        else
        {
            a.pop(ebx);
            a.pop(ecx);
            a.pop(edx);
            a.pop(esi);
            a.pop(edi);
            a.pop(ebp);
            a.@int(0x80);
        }

        a.jmp(again);
        a.Label(ref skip);
        if (bits == 64)
        {
            a.add(rsp, 6 * 8);
        }
        else
        {
            a.add(esp, 6 * 4);
        }

        a.jmp(again);
    }
}
