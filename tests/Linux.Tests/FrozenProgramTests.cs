using FastVcpu.Fuzzing;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Programs as targets: every run begins where the first one began, with all that a program can have made by then, and threads run the same way each time.</summary>
public class FrozenProgramTests
{
    const long Data = (long)ElfBuilder.Data, Log = Data + 256, Input = Data + 128, Number = Data + 64;
    const int Threads = 3, Rounds = 1000;

    /// <summary>Three threads write into one log without a lock; its hash is the exit code. The order depends on the input alone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ThreadsRunInTheSameOrderInEveryRun(bool startsBeforeInput)
    {
        string[] ends = Run(a =>
        {
            Label child = a.CreateLabel(), begin = a.CreateLabel(), again = a.CreateLabel(), sum = a.CreateLabel();
            if (!startsBeforeInput)
            {
                Read(a);
            }
            for (int i = 0; i < Threads; i++)
            {
                a.mov(r12d, i + 1);
                ThreadTests.StartThread(a, child, Number + 8 * i);
            }
            if (startsBeforeInput)
            {
                Read(a);
            }
            a.mov(rbx, Data);
            a.mov(__dword_ptr[rbx + 8], 1);
            a.Call64(202, Data + 8, 1, Threads);
            for (int i = 0; i < Threads; i++)
            {
                ThreadTests.WaitForEnd(a, Number + 8 * i);
            }
            a.mov(rsi, Log);
            a.mov(ecx, Threads * Rounds);
            a.xor(edi, edi);
            a.Label(ref sum);
            a.imul(edi, edi, 31);
            a.movzx(eax, __byte_ptr[rsi]);
            a.add(edi, eax);
            a.inc(rsi);
            a.dec(ecx);
            a.jnz(sum);
            a.mov(eax, 231);
            a.syscall();

            a.Label(ref child);
            a.mov(rbx, Data);
            a.Label(ref begin);
            a.Call64(202, Data + 8, 0, 0, 0);
            a.cmp(__dword_ptr[rbx + 8], 0);
            a.je(begin);
            a.mov(ecx, Rounds);
            a.Label(ref again);
            // Each round takes as long as the input says.
            a.movzx(edx, __byte_ptr[rbx + 128]);
            Label wait = a.CreateLabel();
            a.Label(ref wait);
            a.dec(edx);
            a.jns(wait);
            a.mov(eax, 1);
            a.@lock.xadd(__dword_ptr[rbx], eax);
            a.mov(__byte_ptr[rbx + rax + 256], r12b);
            a.dec(ecx);
            a.jnz(again);
            a.Call64(60, 0);
        }, "a", "Z", "a", "\u0001", "Z", "a");
        Assert.Equal((ends[0], ends[0], ends[1]), (ends[2], ends[5], ends[4]));
        Assert.Equal(3, ends.Distinct().Count());
        Assert.All(ends, end => Assert.StartsWith("Done", end));
    }

    /// <summary>Each thread finds its own number at the start of its own segment, however often the others had their turns meanwhile.</summary>
    [Fact]
    public void ThreadsOf32BitsHaveTheirOwnSegments()
    {
        const int data = (int)Data, number = (int)Number, input = (int)Input, selector = 12 << 3 | 3, setsSegment = 0x80000;
        string[] ends = Run(32, a =>
        {
            Label child = a.CreateLabel(), again = a.CreateLabel(), good = a.CreateLabel();
            a.Call32(3, 0, input, 64);
            for (int i = 0; i < Threads; i++)
            {
                int description = data + 512 + 32 * i;
                // struct user_desc: entry 12, base, limit in pages, 32 bits, usable.
                foreach ((int offset, int value) in new[] { (0, 12), (4, description + 16), (8, 0xFFFFF), (12, 0x51), (16, i + 1) })
                {
                    a.mov(__dword_ptr[description + offset], value);
                }
                a.Call32(192, 0, 0x10000, 3, 0x22, -1, 0);
                a.lea(ecx, __[eax + 0x10000]);
                a.mov(ebp, i + 1);
                a.Call32(120, ThreadTests.ThreadFlags | setsSegment, null, number + 8 * i, description, number + 8 * i);
                a.test(eax, eax);
                a.je(child);
            }
            for (int i = 0; i < Threads; i++)
            {
                Label look = a.CreateLabel(), ended = a.CreateLabel();
                a.Label(ref look);
                a.mov(edx, __dword_ptr[number + 8 * i]);
                a.test(edx, edx);
                a.je(ended);
                a.Call32(240, number + 8 * i, 0, null, 0);
                a.jmp(look);
                a.Label(ref ended);
                a.nop();
            }
            a.Exit(3);
            a.Label(ref child);
            a.mov(eax, selector);
            a.mov(gs, eax);
            a.mov(esi, 50_000);
            a.Label(ref again);
            a.cmp(__dword_ptr.gs[0], ebp);
            a.je(good);
            a.Exit(7);
            a.Label(ref good);
            a.dec(esi);
            a.jnz(again);
            a.Call32(1, 0);
        }, _ => { }, "a", "a");
        Assert.StartsWith("Done 3:", ends[0]);
        Assert.Equal(ends[0], ends[1]);
    }

    /// <summary>D: nobody wakes two threads. T: nobody wakes one, for a second. S: it sleeps. A: an alarm wakes it. W: an alarm that is blocked does not.</summary>
    [Fact]
    public void NothingWaitsForEver()
    {
        string[] ends = Run(a =>
        {
            Label child = a.CreateLabel(), timeout = a.CreateLabel(), sleep = a.CreateLabel(), alarm = a.CreateLabel(), blocked = a.CreateLabel();
            Read(a);
            a.mov(rbx, Data);
            a.mov(__qword_ptr[rbx + 16], 1);
            a.mov(__dword_ptr[rbx + 32], 1 << 13);
            a.Call64(14, 0, Data + 32, 0, 8);
            ThreadTests.StartThread(a, child, Number);
            foreach ((char letter, Label target) in new[] { ('T', timeout), ('S', sleep), ('A', alarm), ('W', blocked) })
            {
                a.cmp(__byte_ptr[rbx + 128], letter);
                a.je(target);
            }
            a.Call64(202, Data + 12, 0, 0, 0);
            a.Exit(9);
            a.Label(ref timeout);
            a.Call64(202, Data + 12, 0, 0, Data + 16);
            a.cmp(eax, -110);
            a.RequireEqual(1);
            a.Exit(2);
            a.Label(ref sleep);
            a.Call64(35, Data + 16, 0);
            a.test(eax, eax);
            a.RequireEqual(3);
            a.Exit(4);
            a.Label(ref alarm);
            a.Call64(37, 7);
            a.Call64(128, Data + 32, 0, 0, 8);
            a.mov(edi, eax);
            a.mov(eax, 231);
            a.syscall();
            a.Label(ref blocked);
            a.Call64(37, 7);
            a.Call64(34);
            a.Exit(8);
            a.Label(ref child);
            a.nop();
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.Call64(202, Data + 4, 0, 0, 0);
            a.jmp(again);
        }, "D", "T", "S", "A", "W", "D");
        Assert.Equal(["Hang", "Done 2", "Done 4", "Done 14", "Hang", "Hang"], ends.Select(end => end[..end.IndexOf(':')]));
    }

    [Fact]
    public void AnotherProcessOrProgramIsRefusedAndNamed()
    {
        string[] ends = Run(64, a =>
        {
            Read(a);
            foreach (int call in new[] { 57, 59 })
            {
                a.Call64(call, Data, 0, 0);
                a.cmp(eax, -11);
                a.RequireEqual(1);
            }
            a.Exit(0);
        }, program => Assert.Equal(["execve", "fork"], program.RefusedCalls.Order()), "x", "y");
        Assert.All(ends, end => Assert.StartsWith("Done 0:", end));
        Run(64, a =>
        {
            Read(a);
            a.Exit(0);
        }, program => Assert.Empty(program.RefusedCalls), "x");
    }

    [Fact]
    public void AProgramThatEndsBeforeItsInputIsRefusedInASentence()
    {
        using TemporaryFolder folder = new();
        string Refusal(Action<Assembler> write) =>
            Assert.Throws<LinuxLoadException>(() => new FrozenProgram(folder.Write("program", ElfBuilder.Build(64, write)), new LinuxOptions())).Message;
        Assert.Equal("The program ended with code 3 before it came to its input, standard input (@@ stands for a file).", Refusal(a => a.Exit(3)));
        Assert.Equal("The program ended with signal 4 before it came to its input, standard input (@@ stands for a file).", Refusal(a => a.ud2()));
        Assert.Equal("The program waits for ever before it comes to its input, standard input (@@ stands for a file).", Refusal(a => a.Call64(34)));
        Assert.Equal("The program ended with code 1 before it came to its input, standard input (@@ stands for a file); it is not allowed another program, and has called execve.", Refusal(a =>
        {
            a.Call64(59, Data, 0, 0);
            a.Exit(1);
        }));
        Assert.Equal("Another process that the program has started is still there when it comes to its input; a run cannot begin there.", Refusal(a =>
        {
            a.Call64(57);
            Read(a);
            a.Exit(1);
        }));
    }

    /// <summary>What a run leaves in a pipe, a pair of sockets and an event counter is not there in the next one; what was in them at the beginning is.</summary>
    [Fact]
    public void PipesSocketsAndCountersAreRestored()
    {
        string[] ends = Run(a =>
        {
            a.Call64(22, Data + 8);
            a.Call64(53, 1, 1, 0, Data + 16);
            a.Call64(290, 5, 0x800);
            a.mov(rbx, Data);
            a.mov(r12d, eax);
            a.mov(edi, __dword_ptr[rbx + 12]);
            a.Call64(1, null, Data, 3);
            Read(a);
            a.mov(edi, __dword_ptr[rbx + 12]);
            a.Call64(1, null, Data, 5);
            a.mov(edi, __dword_ptr[rbx + 16]);
            a.Call64(1, null, Data, 7);
            a.mov(edi, __dword_ptr[rbx + 8]);
            a.Call64(0, null, Log, 100);
            a.mov(r13d, eax);
            a.mov(edi, __dword_ptr[rbx + 20]);
            a.Call64(0, null, Log, 100);
            a.add(r13d, eax);
            a.mov(edi, r12d);
            a.Call64(0, null, Log, 8);
            a.mov(rax, Log);
            a.add(r13d, __dword_ptr[rax]);
            // They are left full.
            a.mov(edi, __dword_ptr[rbx + 12]);
            a.Call64(1, null, Data, 50);
            a.mov(edi, __dword_ptr[rbx + 16]);
            a.Call64(1, null, Data, 70);
            a.mov(rax, Log);
            a.mov(__qword_ptr[rax], 90);
            a.mov(edi, r12d);
            a.Call64(1, null, Log, 8);
            // There is no network.
            a.Call64(41, 2, 1, 0);
            a.cmp(eax, -97);
            a.RequireEqual(1);
            a.mov(edi, r13d);
            a.mov(eax, 231);
            a.syscall();
        }, "a", "b", "a");
        Assert.All(ends, end => Assert.StartsWith($"Done {3 + 5 + 7 + 5}:", end));
    }

    /// <summary>
    /// A pipe and a pair of sockets made before the input. R: the pipe's writing end is closed, its reader finds the end. W: the reading end is closed, a write is refused. S, D: one socket is closed or
    /// shut down. N: a read from the pipe that shall not wait. B: one that waits for ever, since both ends are open again, and the flag is gone.
    /// </summary>
    [Fact]
    public void AnEndThatARunClosesIsTheEndForThisRunOnly()
    {
        const int reader = 8, writer = 12, first = 16, second = 20;
        string[] ends = Run(a =>
        {
            Dictionary<char, Label> cases = "RWSDN".ToDictionary(letter => letter, _ => a.CreateLabel());
            void Call(int call, int descriptor, long? second = null, long? third = null)
            {
                a.mov(edi, __dword_ptr[rbx + descriptor]);
                a.Call64(call, null, second, third);
            }
            void ExitWithResult()
            {
                a.mov(edi, eax);
                a.mov(eax, 231);
                a.syscall();
            }
            a.mov(rbx, Data);
            a.Call64(22, Data + reader);
            a.Call64(53, 1, 1, 0, Data + first);
            // SIGPIPE is ignored.
            a.mov(__dword_ptr[rbx + 32], 1);
            a.Call64(13, 13, Data + 32, 0, 8);
            Read(a);
            foreach ((char letter, Label target) in cases)
            {
                a.cmp(__byte_ptr[rbx + 128], letter);
                a.je(target);
            }
            Call(0, reader, Log, 9);
            a.Exit(9);
            foreach ((char letter, Label label) in cases)
            {
                Label target = label;
                a.Label(ref target);
                switch (letter)
                {
                    case 'R':
                        Call(1, writer, Data, 5);
                        Call(3, writer);
                        Call(0, reader, Log, 9);
                        a.cmp(eax, 5);
                        a.RequireEqual(99);
                        Call(0, reader, Log, 9);
                        break;
                    case 'W':
                        Call(3, reader);
                        Call(1, writer, Data, 5);
                        a.neg(eax);
                        break;
                    case 'S':
                        Call(3, first);
                        Call(0, second, Log, 9);
                        break;
                    case 'D':
                        Call(48, first, 1);
                        Call(0, second, Log, 9);
                        break;
                    case 'N':
                        Call(72, reader, 4, 0x800);
                        Call(0, reader, Log, 9);
                        a.neg(eax);
                        break;
                }
                ExitWithResult();
            }
        }, [.. "BRBWBSDSNBRR".Select(letter => letter.ToString())]);
        Assert.Equal(
            ["Hang", "Done 0", "Hang", "Done 32", "Hang", "Done 0", "Done 0", "Done 0", "Done 11", "Hang", "Done 0", "Done 0"],
            ends.Select(end => end[..end.IndexOf(':')]));
        Assert.Equal((ends[0], ends[1], ends[1]), (ends[9], ends[10], ends[11]));
    }

    /// <summary>A process that the host starts has all descriptors of this one for a moment. A pipe and a socket whose other ends the guest has closed are at their end nevertheless.</summary>
    [Fact]
    public void ProcessesThatTheHostStartsKeepNoEndOpen()
    {
        using CancellationTokenSource done = new();
        Thread starter = new(() =>
        {
            while (!done.IsCancellationRequested)
            {
                using System.Diagnostics.Process started = System.Diagnostics.Process.Start("/bin/true");
                started.WaitForExit();
            }
        });
        starter.Start();
        string[] ends = Run(a =>
        {
            // SIGPIPE is ignored.
            a.mov(rbx, Data);
            a.mov(__dword_ptr[rbx + 32], 1);
            a.Call64(13, 13, Data + 32, 0, 8);
            Read(a);
            for (int i = 0; i < 2; i++)
            {
                a.Call64(22, Data + 8);
            }
            a.Call64(53, 1, 1, 0, Data + 8);
            a.Call64(3, 3);
            a.Call64(1, 4, Data, 5);
            a.cmp(eax, -32);
            a.RequireEqual(1);
            a.Call64(3, 6);
            a.Call64(0, 5, Log, 5);
            a.test(eax, eax);
            a.RequireEqual(2);
            a.Call64(3, 8);
            a.Call64(0, 7, Log, 5);
            a.test(eax, eax);
            a.RequireEqual(3);
            a.Exit(4);
        }, [.. Enumerable.Repeat("a", 500)]);
        done.Cancel();
        starter.Join();
        Assert.All(ends, end => Assert.StartsWith("Done 4:", end));
    }

    /// <summary>A timer that comes every 292 years, and a sleep that is as long.</summary>
    [Fact]
    public void TimeDoesNotRunOut()
    {
        string[] ends = Run(a =>
        {
            Read(a);
            a.mov(rbx, Data);
            a.mov(rax, long.MaxValue / 1_000_000_000 - 2);
            a.mov(__qword_ptr[rbx], rax);
            a.mov(__qword_ptr[rbx + 24], 1);
            a.mov(__qword_ptr[rbx + 32], rax);
            // SIGALRM is ignored.
            a.mov(__dword_ptr[rbx + 256], 1);
            a.Call64(13, 14, Log, 0, 8);
            Label wait = a.CreateLabel();
            a.Call64(38, 0, Data, 0);
            a.mov(ecx, 5000);
            a.Label(ref wait);
            a.dec(ecx);
            a.jnz(wait);
            a.Call64(35, Data + 32, 0);
            a.Exit(3);
        }, "a", "a");
        Assert.StartsWith("Hang", ends[0]);
        Assert.Equal(ends[0], ends[1]);
    }

    /// <summary>Whether it is a terminal does not depend on the input; how much there is to be read does.</summary>
    [Theory]
    [InlineData(0x5401, "01")]
    [InlineData(0x541B, "00")]
    public void AQuestionWhoseAnswerIsTheSameForAllInputsIsPartOfTheApproach(int request, string expected)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("program", ElfBuilder.Build(64, a =>
        {
            a.Call64(16, 0, request, Log);
            a.mov(rbx, Data);
            a.mov(__byte_ptr[rbx], 1);
            Read(a);
            a.Exit(0);
        }));
        using FrozenProgram program = new(path, new LinuxOptions());
        Assert.Equal(expected, $"{program.Cpu.Space!.Read<byte>(ElfBuilder.Data):x2}");
    }

    /// <summary>
    /// A child was there before the input and has ended. The other one goes as the input says: its memory is its own, but for what is shared; it sends a byte through a pipe and ends with the input as its code, or it crashes (C),
    /// never ends (L), is left alone (A), has children without end (B), or stops until its parent lets it go on (S); V: it is one of vfork.
    /// </summary>
    [Fact]
    public void ProcessesAreStartedAgainInEveryRun()
    {
        const int Private = 256, Status = 264, Ends = 272, Shared = 280;
        string[] ends = RunWithProcesses(a =>
        {
            Label early = a.CreateLabel(), child = a.CreateLabel(), vfork = a.CreateLabel(), started = a.CreateLabel(), crash = a.CreateLabel(), loop = a.CreateLabel(), bomb = a.CreateLabel();
            Label leave = a.CreateLabel(), more = a.CreateLabel(), stop = a.CreateLabel(), noStop = a.CreateLabel();
            a.mov(rbx, Data);
            a.Call64(9, 0, 4096, 3, 0x21, -1, 0);
            a.mov(__qword_ptr[rbx + Shared], rax);
            a.Call64(22, Data + Ends);
            a.Call64(57);
            a.test(eax, eax);
            a.je(early);
            a.Call64(24);
            Read(a);
            a.mov(rax, __qword_ptr[rbx + Shared]);
            a.cmp(__dword_ptr[rax], 0);
            a.RequireEqual(1);
            a.Call64(61, -1, Data + Status, 1, 0);
            a.cmp(eax, 101);
            a.RequireEqual(2);
            a.cmp(__dword_ptr[rbx + Status], 5 << 8);
            a.RequireEqual(3);
            a.mov(__dword_ptr[rbx + Private], 7);
            a.cmp(__byte_ptr[rbx + 128], 'V');
            a.je(vfork);
            a.Call64(57);
            a.jmp(started);
            a.Label(ref vfork);
            a.Call64(58);
            a.Label(ref started);
            a.test(eax, eax);
            a.je(child);
            a.cmp(eax, 102);
            a.RequireEqual(4);
            a.cmp(__byte_ptr[rbx + 128], 'A');
            a.je(leave);
            a.cmp(__byte_ptr[rbx + 128], 'S');
            a.jne(noStop);
            a.Call64(61, 102, Data + Status, 2, 0);
            a.cmp(__dword_ptr[rbx + Status], 0x137F);
            a.RequireEqual(5);
            a.Call64(62, 102, 18);
            a.Label(ref noStop);
            a.mov(edi, __dword_ptr[rbx + Ends]);
            a.Call64(0, null, Data + 300, 1);
            a.Call64(61, 102, Data + Status, 0, 0);
            a.cmp(eax, 102);
            a.RequireEqual(6);
            a.mov(rax, __qword_ptr[rbx + Shared]);
            a.cmp(__dword_ptr[rax], 9);
            a.RequireEqual(7);
            a.cmp(__byte_ptr[rbx + 128], 'V');
            a.mov(eax, 7);
            a.mov(ecx, 8);
            a.cmove(eax, ecx);
            a.cmp(__dword_ptr[rbx + Private], eax);
            a.RequireEqual(8);
            a.movzx(eax, __byte_ptr[rbx + Status + 1]);
            a.cmp(__byte_ptr[rbx + 300], al);
            a.RequireEqual(9);
            a.mov(edi, eax);
            a.mov(eax, 231);
            a.syscall();
            a.Label(ref leave);
            a.Exit(10);

            a.Label(ref early);
            a.Exit(5);

            a.Label(ref child);
            a.inc(__dword_ptr[rbx + Private]);
            foreach ((char letter, Label target) in new[] { ('C', crash), ('L', loop), ('A', loop), ('B', bomb), ('S', stop) })
            {
                a.cmp(__byte_ptr[rbx + 128], letter);
                a.je(target);
            }
            a.Label(ref more);
            a.mov(rax, __qword_ptr[rbx + Shared]);
            a.mov(__dword_ptr[rax], 9);
            a.mov(edi, __dword_ptr[rbx + Ends + 4]);
            a.Call64(1, null, Data + 128, 1);
            a.movzx(edi, __byte_ptr[rbx + 128]);
            a.mov(eax, 231);
            a.syscall();
            a.Label(ref stop);
            a.Call64(39);
            a.mov(edi, eax);
            a.Call64(62, null, 19);
            a.jmp(more);
            a.Label(ref crash);
            a.mov(eax, __dword_ptr[0x10]);
            a.Label(ref loop);
            a.jmp(loop);
            a.Label(ref bomb);
            a.Call64(57);
            a.jmp(bomb);
        }, "a", "b", "V", "C", "S", "L", "A", "B", "a", "C", "S", "V", "L", "A", "B", "b");
        Assert.Equal(
            [$"Done {'a' + 0}", $"Done {'b' + 0}", $"Done {'V' + 0}", "Crash 11", $"Done {'S' + 0}", "Hang", "Done 10", "Hang"],
            ends[..8].Select(end => end[..end.IndexOf(':')]));
        foreach ((int first, int again) in new[] { (0, 8), (3, 9), (4, 10), (2, 11), (5, 12), (6, 13), (7, 14), (1, 15) })
        {
            Assert.Equal(ends[first], ends[again]);
        }
    }

    static string[] RunWithProcesses(Action<Assembler> write, params string[] inputs) => Run(64, write, true, false, inputs);

    static string[] Run(Action<Assembler> write, params string[] inputs) => Run(64, write, false, false, inputs);

    static string[] Run(int bits, Action<Assembler> write, Action<FrozenProgram> check, params string[] inputs) => Run(bits, write, check, false, false, inputs);

    internal static string[] Run(int bits, Action<Assembler> write, bool allowsProcesses, bool desock, params string[] inputs) => Run(bits, write, _ => { }, allowsProcesses, desock, inputs);

    /// <summary>Runs inputs; what became of each, after how many instructions and on which way.</summary>
    static string[] Run(int bits, Action<Assembler> write, Action<FrozenProgram> check, bool allowsProcesses, bool desock, string[] inputs)
    {
        using TemporaryFolder folder = new();
        using FrozenProgram program = new(folder.Write("program", ElfBuilder.Build(bits, write)), new LinuxOptions { CpuModel = CpuModel.Max }, desock: desock) { AllowsProcesses = allowsProcesses };
        using CoverageMap coverage = new();
        program.Cpu.Coverage = coverage;
        using Fuzzing.Harness harness = new(program.Cpu)
        {
            InstructionLimit = 2_000_000,
            RunningCpu = () => program.RunningCpu,
            Inject = (_, input) => program.Begin(input),
            OnExit = (Vcpu _, in VcpuExit exit) => program.Serve(exit),
            Classify = (Vcpu _, in VcpuExit _) => (program.IsBlocked ? FuzzOutcome.Hang : program.Exit is { Signal: 0 } ? FuzzOutcome.Done : FuzzOutcome.Crash, null),
        };
        string[] ends =
        [
            .. inputs.Select(input =>
            {
                coverage.Clear();
                FuzzResult result = harness.Run(System.Text.Encoding.ASCII.GetBytes(input));
                string code = result.Outcome == FuzzOutcome.Done ? $" {program.Exit!.Value.Code}" : result.Outcome == FuzzOutcome.Crash ? $" {program.Exit!.Value.Signal}" : "";
                return $"{result.Outcome}{code}: {result.Instructions} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(coverage.Edges))}";
            }),
        ];
        check(program);
        return ends;
    }

    static void Read(Assembler a) => a.Call64(0, 0, Input, 64);
}
