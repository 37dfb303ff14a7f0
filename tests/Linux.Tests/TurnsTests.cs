using System.IO.Pipes;
using Iced.Intel;
using Microsoft.Win32.SafeHandles;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Programs whose time follows their instructions: threads and processes take turns, in the same way in every run.</summary>
public sealed class TurnsTests : IDisposable
{
    const long Data = (long)ElfBuilder.Data, Number = Data + 64, Log = Data + 256;
    const int Threads = 3, Rounds = 1500;
    const string Shell = "/bin/sh";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Threads write into one log without a lock, and it is printed.</summary>
    [Fact]
    public void ThreadsRaceInTheSameWayInEveryRun()
    {
        string program = folder.Write("race", ElfBuilder.Build(64, Race));
        (string Text, long Instructions, string Hash)[] runs = [.. Enumerable.Range(0, 3).Select(_ => Run(program, [], 200_000))];
        Assert.Equal(runs[0], runs[1]);
        Assert.Equal(runs[0], runs[2]);
        Assert.Equal(Threads * Rounds, runs[0].Text.Length);
        // They did take turns in the middle of their work.
        Assert.True(runs[0].Text.Zip(runs[0].Text.Skip(1)).Count(pair => pair.First != pair.Second) >= Threads);
    }

    [Fact]
    public void AThreadedProgramOfDebianGoesTheSameWayInEveryRun()
    {
        const string xz = "/usr/bin/xz";
        if (!File.Exists(xz))
        {
            return;
        }

        File.WriteAllLines(folder["text"], Enumerable.Range(0, 4000).Select(i => $"line {i * 7919 % 4001}"));
        string[] arguments = ["-0", "-T2", "--block-size=20000", "-c", folder["text"]];
        // It asks for the times of the files that it reads and writes, which are the host's and in its memory then.
        (string Text, long Instructions, string Hash)[] runs = [.. Enumerable.Range(0, 2).Select(_ => Run(xz, arguments, 5_000_000) with { Hash = "" })];
        Assert.Equal(runs[0], runs[1]);
        GuestResult host = HostProgram.Run("", Shell, "-c", $"xz -0 -T2 --block-size=20000 -c {folder["text"]}");
        Assert.Equal(host.Output, runs[0].Text);
    }

    /// <summary>fork, vfork, execve, pipes, signals, sleeping in parallel. The time is that of the guest.</summary>
    [Fact]
    public void ProcessesTakeTurnsToo()
    {
        const string script = """
            exec 2>/dev/null; seq 3000 | sort -rn | head -n 2; for i in 3 1 2; do (sleep $i; echo $i) & done; wait; date +%s; sh -c 'kill -STOP $$; echo on' & p=$!
            sleep 1; echo off; kill -CONT $p; wait $p; head -c 200000 /dev/zero | wc -c; sleep 1000 & kill $!; wait $!; echo $?; exec echo end
            """;
        (string Text, long Instructions, string Hash)[] runs = [.. Enumerable.Range(0, 2).Select(_ => Run(Shell, ["-c", script], 300_000))];
        Assert.Equal("3000\n2999\n1\n2\n3\n1700000003\noff\non\n200000\n143\nend\n", runs[0].Text);
        Assert.Equal(runs[0], runs[1]);
    }

    /// <summary>One thread counts while the other one reads, byte by byte, what has been there from the beginning or comes one by one.</summary>
    [Fact]
    public void WhenInputComesMakesNoDifference()
    {
        const int Bytes = 20;
        string program = folder.Write("reader", ElfBuilder.Build(64, a =>
        {
            Label child = a.CreateLabel(), again = a.CreateLabel(), forever = a.CreateLabel(), end = a.CreateLabel();
            a.Call64(9, 0, 0x10000, 3, 0x22, -1, 0);
            ThreadTests.StartThread(a, child, Number);
            a.Label(ref again);
            a.Call64(7, Data + 24, 0, 0);
            a.Call64(0, 0, Data, 1);
            a.test(eax, eax);
            a.je(end);
            a.Call64(1, 1, Data + 8, 4);
            a.jmp(again);
            a.Label(ref end);
            a.Exit(0);
            a.Label(ref child);
            a.mov(rbx, Data);
            a.Label(ref forever);
            a.inc(__dword_ptr[rbx + 8]);
            a.jmp(forever);
        }));
        string[] texts =
        [
            .. new[] { false, true }.Select(isSlow =>
            {
                using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
                using SafeFileHandle input = new(pipe.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
                void Feed()
                {
                    for (int i = 0; i < Bytes; i++)
                    {
                        if (isSlow)
                        {
                            Thread.Sleep(2);
                        }

                        pipe.WriteByte((byte)i);
                    }

                    pipe.Dispose();
                }

                Thread feeder = new(Feed);
                feeder.Start();
                if (!isSlow)
                {
                    feeder.Join();
                }

                string text = Run(program, [], long.MaxValue, input).Text;
                feeder.Join();
                return text;
            }),
        ];
        Assert.Equal(texts[0], texts[1]);
        Assert.Equal(Bytes * 4, texts[0].Length);
    }

    /// <summary>Threads that race, sleep, wait for futexes with and without a time, and for signals; a timer.</summary>
    [Fact]
    public void SavedAndRestoredAtRandomPointsTheyGoTheSameWay()
    {
        long end;
        string program = folder.Write("race", ElfBuilder.Build(64, Race));
        byte[] expected;
        string text;
        using (Streams streams = new(folder, "straight"))
        using (LinuxProcess process = new(program, Options(streams)))
        {
            Assert.Equal(0, process.Run().Code);
            (end, text) = (process.InstructionsRetired * 9 / 10, streams.Text);
        }

        using (Streams streams = new(folder, "again"))
        using (LinuxProcess process = new(program, Options(streams)))
        {
            Assert.Null(process.Run(end));
            expected = process.StateHash();
            Assert.Equal(0, process.Run().Code);
            Assert.Equal(text, streams.Text);
        }

        Random random = new(1);
        using Streams broken = new(folder, "broken");
        LinuxProcess restored = new(program, Options(broken));
        foreach (long point in Enumerable.Range(0, 30).Select(_ => random.NextInt64(end)).Order())
        {
            Assert.Null(restored.Run(point));
            byte[] hash = restored.StateHash();
            using MemoryStream file = new();
            using (MachineSnapshot snapshot = restored.TakeSnapshot())
            {
                snapshot.Save(file);
            }

            restored.Dispose();
            using MachineSnapshot loaded = MachineSnapshot.Load(new MemoryStream(file.ToArray()));
            restored = new LinuxProcess(loaded, Options(broken));
            Assert.Equal(hash, restored.StateHash());
        }

        using (restored)
        {
            Assert.Null(restored.Run(end));
            Assert.Equal(expected, restored.StateHash());
            Assert.Equal(0, restored.Run().Code);
        }

        Assert.Equal(text, broken.Text);
    }

    /// <summary>Who waits for ever waits for a signal from outside.</summary>
    [Fact]
    public void AProgramThatWaitsForEverIsEndedByASignal()
    {
        string program = folder.Write("waits", ElfBuilder.Build(64, a =>
        {
            a.Call64(1, 1, Data, 1);
            a.Call64(34);
            a.Exit(1);
        }));
        using Streams streams = new(folder, "out");
        using LinuxProcess process = new(program, Options(streams));
        Thread killer = new(() =>
        {
            while (streams.Length == 0)
            {
                Thread.Sleep(1);
            }

            process.Signal(15);
        });
        killer.Start();
        Assert.Equal(15, process.Run().Signal);
        killer.Join();
    }

    /// <summary>Two of the threads wait at times, in all ways; they end with a log of all of them.</summary>
    static void Race(Assembler a)
    {
        const int Clone = 0, Sigaction = 13, Sigmask = 14, Sleep = 35, SetTimer = 38, Exit = 60, Futex = 202, WaitForSignal = 128;
        Label child = a.CreateLabel(), again = a.CreateLabel(), handler = a.CreateLabel(), restorer = a.CreateLabel(), noSleep = a.CreateLabel(), noFutex = a.CreateLabel();
        a.mov(rbx, Data);
        // A handler of SIGALRM counts; it comes every 7 µs. The mask of SIGUSR1 is for nobody.
        a.lea(rax, __[handler]);
        a.mov(__qword_ptr[rbx + 128], rax);
        a.mov(__qword_ptr[rbx + 136], 0x14000000);
        a.lea(rax, __[restorer]);
        a.mov(__qword_ptr[rbx + 144], rax);
        a.Call64(Sigaction, 14, Data + 128, 0, 8);
        a.mov(__qword_ptr[rbx + 168], 7);
        a.mov(__qword_ptr[rbx + 184], 7);
        a.Call64(SetTimer, 0, Data + 160, 0);
        // Half a microsecond, and a set of signals.
        a.mov(__qword_ptr[rbx + 200], 500);
        a.mov(__dword_ptr[rbx + 208], 1 << 9);
        a.Call64(Sigmask, 0, Data + 208, 0, 8);
        for (int i = 0; i < Threads; i++)
        {
            a.mov(r12d, 'a' + i);
            ThreadTests.StartThread(a, child, Number + 8 * i);
        }

        for (int i = 0; i < Threads; i++)
        {
            ThreadTests.WaitForEnd(a, Number + 8 * i);
        }

        a.Call64(1, 1, Log, Threads * Rounds);
        a.Exit(Clone);

        a.Label(ref child);
        a.mov(r13d, Rounds);
        a.mov(r14, Data);
        a.Label(ref again);
        a.mov(eax, 1);
        a.xadd(__dword_ptr[r14], eax);
        a.mov(__byte_ptr[r14 + rax + 256], r12b);
        a.cmp(r12d, 'b');
        a.jne(noSleep);
        a.test(r13d, 31);
        a.jne(noSleep);
        a.Call64(Sleep, Data + 192, 0);
        a.Call64(WaitForSignal, Data + 208, 0, Data + 192, 8);
        a.Label(ref noSleep);
        a.cmp(r12d, 'c');
        a.jne(noFutex);
        a.test(r13d, 15);
        a.jne(noFutex);
        a.Call64(Futex, Data + 8, 0, 0, Data + 192);
        a.Label(ref noFutex);
        a.Call64(Futex, Data + 8, 1, 1);
        a.dec(r13d);
        a.jnz(again);
        a.Call64(Exit, 0);

        a.Label(ref handler);
        a.mov(rax, Data);
        a.inc(__dword_ptr[rax + 16]);
        a.ret();
        a.Label(ref restorer);
        a.Call64(15);
    }

    /// <summary>What a program prints, how many instructions it takes in all, and its state after some of them, if it has got so far as one process.</summary>
    (string Text, long Instructions, string Hash) Run(string program, string[] arguments, long limit, SafeFileHandle? input = null)
    {
        using Streams streams = new(folder, "out");
        using LinuxProcess process = new(program, Options(streams) with { Arguments = arguments, StandardInput = input ?? streams.Input });
        string hash = process.Run(limit) == null ? Convert.ToHexString(process.StateHash()) : "";
        if (hash.Length > 0)
        {
            Assert.Equal(0, process.Run().ShellCode);
        }

        return (streams.Text, process.InstructionsRetired, hash);
    }

    static LinuxOptions Options(Streams streams) => new()
    {
        Environment = Guest.Environment,
        Clock = new InstructionClock(),
        RandomSeed = 1,
        StandardInput = streams.Input,
        StandardOutput = streams.Output,
        StandardError = streams.Output,
    };
}
