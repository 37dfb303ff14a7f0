using System.Globalization;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Programs that are saved, and go on elsewhere.</summary>
public sealed class SnapshotTests : IDisposable
{
    const long Data = (long)ElfBuilder.Data;
    const string Perl = "/usr/bin/perl";
    const string Script = """
        $| = 1; local $SIG{USR1} = sub { print "signal\n" }; open(F, "/etc/passwd"); chdir "/usr"; @a = ();
        for $i (1 .. 30000) { push @a, sqrt($i) * rand; if ($i % 3000 == 0) { $l = <F>; print "$i $a[-1] $l"; kill USR1 => $$; } }
        opendir(D, "."); print join(",", sort readdir D), " ", time, "\n"; sleep 7; print time, " ", -s F, "\n";
        """;

    static int Seed => int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);

    static int Points => 4 * int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_BATCHES") ?? "1", CultureInfo.InvariantCulture);

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AProgramThatIsSavedAndRestoredAgainAndAgainGoesTheSameWay()
    {
        const long End = 10_000_000;
        using Streams straight = new(folder, "straight"), broken = new(folder, "broken");
        byte[] expected;
        using (LinuxProcess process = new(Perl, Options(straight) with { Arguments = ["-e", Script] }))
        {
            Assert.Null(process.Run(End));
            expected = process.StateHash();
            Assert.Equal(0, process.Run()!.Code);
        }

        Random random = new(Seed);
        LinuxProcess restored = new(Perl, Options(broken) with { Arguments = ["-e", Script] });
        foreach (long point in Enumerable.Range(0, Points).Select(_ => random.NextInt64(End)).Order())
        {
            Assert.Null(restored.Run(point));
            byte[] file = Save(restored);
            restored.Dispose();
            restored = Load(file, Options(broken));
        }

        using (restored)
        {
            Assert.Null(restored.Run(End));
            Assert.Equal(expected, restored.StateHash());
            Assert.Equal(0, restored.Run().Code);
        }

        Assert.Equal(straight.Text, broken.Text);
        Assert.Contains("signal\n30000 ", broken.Text);
        Assert.Contains("1700000007 ", broken.Text);
    }

    /// <summary>Thread-local storage, x87, shared memory in two places, a heap that grows, standard input.</summary>
    [Fact]
    public void AProgramOf32BitsGoesTheSameWay()
    {
        string program = folder.Write("program", ElfBuilder.Build(32, a =>
        {
            const int Write = 4, Read = 3, Break = 45, MapOld = 90, SetThreadArea = 243, Rounds = 40;
            Label again = a.CreateLabel();
            a.mov(ebx, (int)Data);
            foreach ((int offset, int value) in new[] { (0, -1), (4, (int)Data + 0x200), (8, 0xFFFFF), (12, 0x51), (64, 0), (68, 4096), (72, 3), (76, 0x21), (80, -1), (84, 0) })
            {
                a.mov(__dword_ptr[ebx + offset], value);
            }

            a.Call32(SetThreadArea, (int)Data);
            a.mov(eax, __dword_ptr[Data]);
            a.lea(eax, __[eax * 8 + 3]);
            a.mov(gs, ax);
            a.Call32(MapOld, (int)Data + 64);
            a.mov(edi, eax);
            a.fldpi();
            a.mov(ebp, Rounds);
            a.Label(ref again);
            a.push(ebp);
            a.push(edi);
            a.fld1();
            a.faddp(st1, st0);
            a.inc(__dword_ptr[edi]);
            a.fist(__dword_ptr[edi + 8]);
            a.mov(eax, __dword_ptr[edi + 8]);
            a.add(__dword_ptr.gs[0], eax);
            a.Call32(Break, 0);
            a.lea(ebx, __[eax + 0x1000]);
            a.Call32(Break, null);
            a.mov(__dword_ptr[eax - 4], ebp);
            a.Call32(Read, 0, (int)Data + 0x300, 1);
            a.Call32(Write, 1, (int)Data + 0x300, 1);
            a.pop(edi);
            a.pop(ebp);
            a.dec(ebp);
            a.jnz(again);
            a.mov(eax, __dword_ptr[edi]);
            a.mov(ebx, __dword_ptr[Data + 0x200]);
            a.add(ebx, eax);
            a.mov(eax, 1);
            a.@int(0x80);
        }));
        File.WriteAllText(folder["input"], string.Concat(Enumerable.Range(0, 40).Select(i => (char)('0' + i))));
        using Streams straight = new(folder, "straight", "input"), broken = new(folder, "broken", "input");
        LinuxProcess process = new(program, Options(straight));
        int code = process.Run().Code;
        process.Dispose();
        Assert.Equal(Enumerable.Range(1, 40).Sum(i => i + 3) + 40 & 0xFF, code);

        process = new(program, Options(broken));
        for (long point = 1; point < 800; point += 53)
        {
            Assert.Null(process.Run(point));
            byte[] hash = process.StateHash(), file = Save(process);
            process.Dispose();
            process = Load(file, Options(broken));
            Assert.Equal(hash, process.StateHash());
        }

        Assert.Equal(code, process.Run().Code);
        process.Dispose();
        Assert.Equal(File.ReadAllText(folder["input"]), broken.Text);
        Assert.Equal(straight.Text, broken.Text);
    }

    /// <summary>One reads its standard input, some count, one waits for a futex; none ends before the input has a byte.</summary>
    [Fact]
    public async Task ThreadsStandStillAndGoOnElsewhere()
    {
        string program = folder.Write("threads", ElfBuilder.Build(64, CountUntilInput));
        File.WriteAllText(folder["input"], "");
        using Streams streams = new(folder, "threads.out", "input");
        LinuxOptions options = new() { StandardOutput = streams.Output, StandardError = streams.Output, StandardInput = streams.Input };
        using LinuxProcess process = new(program, options);
        Task<LinuxExit?> run = Task.Factory.StartNew(() => process.Run(long.MaxValue), TaskCreationOptions.LongRunning);
        SpinWait.SpinUntil(() => streams.Text.Length > 0 || run.IsCompleted);
        process.Freeze();
        Assert.Null(await run);
        byte[] file = Save(process);
        File.WriteAllText(folder["input"], "g");
        Assert.Equal(7, process.Run().Code);
        using LinuxProcess restored = Load(file, options);
        Assert.Equal(7, restored.Run().Code);
    }

    /// <summary>A program that says when two of its threads count and one waits, and ends with code 7 when its input has a byte and every thread has counted right.</summary>
    static void CountUntilInput(Assembler a)
    {
        const int Counting = 2, Requeue = 3;
        const long Sum = Data, Ends = Data + 8, Elsewhere = Data + 16, Expected = Data + 24, Begun = Data + 32, Text = Data + 40, Ids = Data + 64;
        Label count = a.CreateLabel(), counts = a.CreateLabel(), wait = a.CreateLabel(), waits = a.CreateLabel(), ended = a.CreateLabel();
        Label begin = a.CreateLabel(), move = a.CreateLabel(), read = a.CreateLabel();
        for (int i = 0; i < Counting; i++)
        {
            ThreadTests.StartThread(a, count, Ids + i * 8);
        }

        ThreadTests.StartThread(a, wait, Ids + Counting * 8);
        a.Label(ref begin);
        a.mov(rbx, Begun);
        a.cmp(__dword_ptr[rbx], Counting);
        a.jne(begin);

        // Only who waits can be moved to another word.
        a.Label(ref move);
        a.Call64(202, Ends, Requeue, 0, 1, Elsewhere);
        a.cmp(eax, 1);
        a.jne(move);
        a.Call64(1, 1, Text, 1);
        a.Label(ref read);
        a.Call64(0, 0, Text, 1);
        a.cmp(eax, 1);
        a.jne(read);
        a.mov(rbx, Ends);
        a.mov(__dword_ptr[rbx], 1);
        a.Call64(202, Ends, 1, 1);
        a.Call64(202, Elsewhere, 1, 1);
        for (int i = 0; i <= Counting; i++)
        {
            ThreadTests.WaitForEnd(a, Ids + i * 8);
        }

        a.mov(rbx, Sum);
        a.mov(rax, __qword_ptr[rbx]);
        a.cmp(rax, __qword_ptr[rbx + (Expected - Sum)]);
        a.RequireEqual(1);
        a.Exit(7);

        a.Label(ref count);
        a.xor(ecx, ecx);
        a.mov(rbx, Sum);
        a.@lock.inc(__dword_ptr[rbx + (Begun - Sum)]);
        a.Label(ref counts);
        a.@lock.inc(__qword_ptr[rbx]);
        a.inc(rcx);
        a.cmp(__dword_ptr[rbx + (Ends - Sum)], 0);
        a.je(counts);
        a.@lock.add(__qword_ptr[rbx + (Expected - Sum)], rcx);
        a.Call64(60, 0);

        a.Label(ref wait);
        a.mov(rbx, Ends);
        a.Label(ref waits);
        a.cmp(__dword_ptr[rbx], 0);
        a.jne(ended);
        a.Call64(202, Ends, 0, 0, 0);
        a.jmp(waits);
        a.Label(ref ended);
        a.Call64(60, 0);
    }

    /// <summary>Threads end while others stand still already; at last all are killed while somebody looks at them.</summary>
    [Fact]
    public void ThreadsThatEndAreNoPartOfWhatStandsStill()
    {
        const int Clone = 56, Exit = 60, Points = 500;
        const long Id = Data + 64, Stack = Data + 0x1000;
        string program = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            Label next = a.CreateLabel(), child = a.CreateLabel();
            a.Label(ref next);
            a.Call64(Clone, ThreadTests.ThreadFlags, Stack, Id, Id, 0);
            a.test(eax, eax);
            a.je(child);
            ThreadTests.WaitForEnd(a, Id);
            a.jmp(next);
            a.Label(ref child);
            a.Call64(Exit, 0);
        }));
        using LinuxProcess process = new(program, new LinuxOptions());
        for (int point = 1; point <= Points; point++)
        {
            Assert.Null(process.Run(point * 29));
            Assert.NotEmpty(process.StateHash());
        }

        Thread killer = new(process.Kill);
        killer.Start();
        Exception? end;
        do
        {
            end = Record.Exception(process.StateHash);
        }
        while (end == null);
        Assert.IsType<InvalidOperationException>(end);
        killer.Join();
        Assert.Equal(9, process.Run().Signal);
    }

    [Theory]
    [InlineData("epoll", "its descriptor 3 is anon_inode:[eventpoll]")]
    [InlineData("message", "its descriptor 3 is of a pair of sockets in which a message waits")]
    [InlineData("fork", "there is another process, 101 (program)")]
    [InlineData("file", "/shared is mapped shared")]
    public void WhatCannotBeKeptIsNamed(string what, string sentence)
    {
        string program = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            Label spin = a.CreateLabel();
            switch (what)
            {
                case "epoll":
                    a.Call64(213, 1);
                    break;
                case "message":
                    a.Call64(53, 1, 2, 0, Data);
                    a.Call64(1, 3, Data, 1);
                    break;
                case "fork":
                    a.Call64(57);
                    break;
                default:
                    a.mov(rax, 0x006465726168732F);
                    a.mov(rdi, Data);
                    a.mov(__qword_ptr[rdi], rax);
                    a.Call64(2, Data, 2, 0);
                    a.Call64(9, 0, 4096, 3, 1, 3, 0);
                    break;
            }

            a.Label(ref spin);
            a.jmp(spin);
        }));
        File.WriteAllBytes(folder["shared"], new byte[4096]);
        using LinuxProcess process = new("/program", new LinuxOptions { Root = folder.Path, IsWritable = true });
        Assert.Null(process.Run(1_000));
        string message = Assert.Throws<SnapshotException>(process.TakeSnapshot).Message;
        Assert.StartsWith("The program cannot be saved: ", message);
        Assert.Contains(sentence, message);
        Assert.EndsWith(".", message);
        process.Kill();
    }

    /// <summary>Pipes and sockets with something in them, some of whose ends are closed or shut down or open twice, a counter and a semaphore: all is there elsewhere.</summary>
    [Fact]
    public void PipesSocketsAndCountersAreKept()
    {
        const long Ends = Data + 64, Buffer = Data + 256;
        const int Pipes = 22, Pair = 53, Counter = 290, Send = 1, Receive = 0, Close = 3, Shutdown = 48, Dup = 32, SetPipeSize = 72, NonBlocking = 0x800;
        string program = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            Label spin = a.CreateLabel();
            void Expect(int call, int descriptor, int size, int result)
            {
                a.Call64(call, descriptor, Buffer, size);
                a.cmp(rax, result);
                a.RequireEqual(descriptor);
            }
            // 3, 4: a pipe with five bytes, of two pages. 5, 6: its reader is closed. 7, 8: its writer is closed, three bytes wait.
            for (int i = 0; i < 3; i++)
            {
                a.Call64(Pipes, Ends);
            }
            a.Call64(SetPipeSize, 3, 1031, 8192);
            a.Call64(Send, 4, Data, 5);
            a.Call64(Close, 5);
            a.Call64(Send, 8, Data, 3);
            a.Call64(Close, 8);
            // 5, 8: something waits both ways. 9, 10: 9 cannot write any more, and 11 is 10. 12: the other end is closed, two bytes wait. 14, 15: packets.
            foreach (int type in new[] { 1, 1 | NonBlocking })
            {
                a.Call64(Pair, 1, type, 0, Ends);
            }
            a.Call64(Send, 5, Data, 7);
            a.Call64(Send, 8, Data, 9);
            a.Call64(Send, 9, Data, 4);
            a.Call64(Shutdown, 9, 1);
            a.Call64(Dup, 10);
            a.Call64(Pair, 1, 1, 0, Ends);
            a.Call64(Send, 13, Data, 2);
            a.Call64(Close, 13);
            a.Call64(Counter, 12, 0);
            a.Call64(Counter, 3, 1 | NonBlocking);
            a.Call64(Pair, 1, 5, 0, Ends);
            a.mov(ecx, 100_000);
            a.Label(ref spin);
            a.dec(ecx);
            a.jnz(spin);
            a.mov(rbx, Buffer);
            Expect(Receive, 3, 100, 5);
            a.Call64(SetPipeSize, 4, 1032, 0);
            a.cmp(eax, 8192);
            a.RequireEqual(101);
            Expect(Receive, 7, 100, 3);
            Expect(Receive, 7, 100, 0);
            Expect(Receive, 8, 100, 7);
            Expect(Receive, 5, 100, 9);
            Expect(Receive, 11, 2, 2);
            Expect(Receive, 10, 100, 2);
            Expect(Receive, 10, 100, 0);
            Expect(Receive, 9, 100, -11);
            Expect(Receive, 12, 100, 2);
            Expect(Receive, 12, 100, 0);
            Expect(Receive, 13, 8, 8);
            a.cmp(__qword_ptr[rbx], 12);
            a.RequireEqual(102);
            for (int i = 0; i < 3; i++)
            {
                Expect(Receive, 14, 8, 8);
                a.cmp(__qword_ptr[rbx], 1);
                a.RequireEqual(103);
            }
            Expect(Receive, 14, 8, -11);
            Expect(Send, 15, 6, 6);
            Expect(Send, 15, 7, 7);
            Expect(Receive, 16, 100, 6);
            Expect(Receive, 16, 100, 7);
            // Who writes into a pipe that nobody reads is ended.
            a.Call64(Send, 6, Data, 1);
            a.Exit(104);
        }));
        using Streams streams = new(folder, "out");
        foreach (LinuxOptions options in new[] { Options(streams), Options(streams) with { Clock = null } })
        {
            byte[] file, hash;
            using (LinuxProcess process = new(program, options))
            {
                Assert.Null(process.Run(50_000));
                (hash, file) = (process.StateHash(), Save(process));
                // Looking has changed nothing.
                Assert.Equal(13, process.Run().Signal);
            }

            for (int i = 0; i < 2; i++)
            {
                using LinuxProcess process = Load(file, options with { Clock = null });
                if (options.Clock != null)
                {
                    Assert.Equal(hash, process.StateHash());
                }

                file = Save(process);
                Assert.Equal(13, process.Run().Signal);
            }
        }
    }

    /// <summary>Two threads send each other bytes through pipes and sockets and count in an event counter, while they are saved and restored again and again.</summary>
    [Fact]
    public void ThreadsThatSendEachOtherBytesGoTheSameWay()
    {
        const long Ends = Data + 64, Number = Data + 96, Buffer = Data + 256;
        const int Rounds = 300;
        string program = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            Label child = a.CreateLabel(), again = a.CreateLabel(), answer = a.CreateLabel();
            a.Call64(22, Ends);
            a.Call64(53, 1, 1, 0, Ends);
            a.Call64(290, 0, 0);
            ThreadTests.StartThread(a, child, Number);
            a.mov(r12d, Rounds);
            a.Label(ref again);
            a.mov(rdx, r12);
            a.and(edx, 63);
            a.inc(edx);
            a.Call64(1, 4, Buffer);
            a.Call64(0, 6, Buffer + 128, 64);
            a.add(r13, rax);
            a.Call64(0, 7, Data, 8);
            a.mov(rbx, Data);
            a.add(r14, __qword_ptr[rbx]);
            a.dec(r12);
            a.jnz(again);
            a.mov(__qword_ptr[rbx + 16], r13);
            a.mov(__qword_ptr[rbx + 24], r14);
            a.Call64(1, 1, Data + 16, 16);
            a.Exit(0);
            a.Label(ref child);
            a.nop();
            a.Label(ref answer);
            a.Call64(0, 3, Buffer + 512, 64);
            a.mov(rbx, Data);
            a.mov(__qword_ptr[rbx + 40], rax);
            a.mov(rdx, rax);
            a.Call64(1, 5, Buffer + 512);
            a.Call64(1, 7, Data + 40, 8);
            a.jmp(answer);
        }));
        using Streams straight = new(folder, "straight"), broken = new(folder, "broken");
        long length;
        byte[] expected;
        using (LinuxProcess process = new(program, Options(straight) with { MaxThreads = 2 }))
        {
            Assert.Equal(0, process.Run().Code);
            length = process.InstructionsRetired;
        }

        using (LinuxProcess process = new(program, Options(broken) with { MaxThreads = 2 }))
        {
            Assert.Null(process.Run(length - 20));
            expected = process.StateHash();
        }

        Assert.Equal(2L * Enumerable.Range(1, Rounds).Sum(i => (i & 63) + 1), straight.Words.Sum());
        Random random = new(Seed);
        LinuxProcess restored = new(program, Options(broken) with { MaxThreads = 2 });
        foreach (long point in Enumerable.Range(0, 5 * Points).Select(_ => random.NextInt64(length - 20)).Order())
        {
            Assert.Null(restored.Run(point));
            byte[] file = Save(restored);
            restored.Dispose();
            restored = Load(file, Options(broken) with { MaxThreads = 2 });
        }

        using (restored)
        {
            Assert.Null(restored.Run(length - 20));
            Assert.Equal(expected, restored.StateHash());
            Assert.Equal(0, restored.Run().Code);
        }

        Assert.Equal(straight.Words, broken.Words);
    }

    /// <summary>One file is deleted while it is open, one is not the same any more, one is not there any more.</summary>
    [Fact]
    public void OpenFilesAreOpenedAgainWhereTheyWere()
    {
        File.WriteAllText(folder["kept"], "0123456789");
        File.WriteAllText(folder["gone"], "abcdefghij");
        const string script = """
            $| = 1; open(K, "<:unix", "/kept"); open(G, "+<:unix", "/gone"); unlink "/gone"; read(K, $k, 3); read(G, $g, 4); print "$k $g\n"; $x = 0;
            for (1 .. 100000) { $x++ } read(K, $k, 3); read(G, $g, 4); print "$k $g\n";
            """;
        string root = folder.Path;
        using Streams streams = new(folder, "out");
        byte[] file;
        LinuxOptions options = Options(streams) with { IsWritable = true };
        using (LinuxProcess process = new(Perl, options with { Arguments = ["-e", script.Replace("\"/", $"\"{root}/", StringComparison.Ordinal)] }))
        {
            Assert.Null(process.Run(9_000_000));
            Assert.Equal("012 abcd\n", streams.Text);
            file = Save(process);
        }

        Assert.False(File.Exists(folder["gone"]));
        using (LinuxProcess process = Load(file, options))
        {
            Assert.Equal(0, process.Run().Code);
        }

        Assert.Equal("012 abcd\n345 efgh\n", streams.Text);
        File.WriteAllText(folder["kept"], "0");
        Assert.Contains("its size is another one", Assert.Throws<SnapshotException>(() => Load(file, options)).Message);
        File.Delete(folder["kept"]);
        Assert.Contains("/kept open, which cannot be opened (ENOENT).", Assert.Throws<SnapshotException>(() => Load(file, options)).Message);
    }

    [Fact]
    public void DamagedAndForeignFilesAreRefused()
    {
        string program = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            Label spin = a.CreateLabel();
            a.Label(ref spin);
            a.jmp(spin);
        }));
        byte[] file;
        using (LinuxProcess process = new(program, new LinuxOptions()))
        {
            Assert.Null(process.Run(100));
            file = Save(process);
        }

        Random random = new(Seed);
        for (int round = 0; round < 100; round++)
        {
            byte[] bad = [.. file];
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            bad = round % 3 == 0 ? file[..random.Next(file.Length)] : round % 3 == 1 ? [.. file, 0] : bad;
            Assert.Throws<SnapshotException>(() => Load(bad, new LinuxOptions()));
        }

        // Another version, another kind, a machine.
        file[8]++;
        Assert.Contains("version", Assert.Throws<SnapshotException>(() => Load(file, new LinuxOptions())).Message);
        using VirtualMachine machine = new();
        machine.AllocateMemory(0, 0, 4096);
        using MachineSnapshot foreign = machine.TakeSnapshot();
        Assert.Contains("not of a Linux program", Assert.Throws<SnapshotException>(() => new LinuxProcess(foreign, new LinuxOptions())).Message);
    }

    static LinuxOptions Options(Streams streams) => new()
    {
        Environment = Guest.Environment,
        Clock = new InstructionClock(),
        RandomSeed = 1,
        MaxThreads = 1,
        StandardInput = streams.Input,
        StandardOutput = streams.Output,
        StandardError = streams.Output,
    };

    static byte[] Save(LinuxProcess process)
    {
        using MachineSnapshot snapshot = process.TakeSnapshot();
        Assert.True(snapshot.IsOfUserMode);
        using MemoryStream file = new();
        snapshot.Save(file);
        return file.ToArray();
    }

    static LinuxProcess Load(byte[] file, LinuxOptions options)
    {
        using MachineSnapshot snapshot = MachineSnapshot.Load(new MemoryStream(file));
        return new LinuxProcess(snapshot, options);
    }
}
