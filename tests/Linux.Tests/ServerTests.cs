using FastVcpu.Fuzzing;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Servers as targets: the input comes from the connection that they accept.</summary>
public class ServerTests
{
    const long Data = (long)ElfBuilder.Data, Buffer = Data + 256;

    /// <summary>
    /// It waits for a connection by epoll, edge-triggered, and reads from it without waiting. C: it crashes. F: so does a child, which has the connection. K: the connection stays open, and is read to the end. N: it stays open and
    /// is not read. M: nothing more comes for the listening socket, for this run.
    /// </summary>
    [Fact]
    public void EachRunHasAConnection()
    {
        const int edge = 1 << 31 | 1;
        string[] ends = FrozenProgramTests.Run(64, a =>
        {
            Label again = a.CreateLabel(), crash = a.CreateLabel(), fork = a.CreateLabel(), keep = a.CreateLabel(), wait = a.CreateLabel(), drain = a.CreateLabel(), close = a.CreateLabel(), mute = a.CreateLabel();
            a.mov(rbx, Data);
            a.mov(__dword_ptr[rbx], 0x901F0002);
            a.Call64(41, 2, 1, 0);
            a.mov(__dword_ptr[rbx + 32], 1);
            a.Call64(54, 3, 1, 2, Data + 32, 4);
            a.test(eax, eax);
            a.RequireEqual(1);
            a.Call64(49, 3, Data, 16);
            a.test(eax, eax);
            a.RequireEqual(2);
            a.Call64(72, 3, 4, 0x800);
            a.Call64(50, 3, 5);
            a.test(eax, eax);
            a.RequireEqual(3);
            a.Call64(213, 1);
            a.mov(__dword_ptr[rbx + 64], edge);
            a.mov(__dword_ptr[rbx + 68], 77);
            a.Call64(233, 4, 1, 3, Data + 64);
            a.test(eax, eax);
            a.RequireEqual(4);

            a.Label(ref again);
            a.Call64(232, 4, Data + 80, 1, 5000);
            a.cmp(eax, 1);
            a.jne(again);
            a.cmp(__dword_ptr[rbx + 84], 77);
            a.RequireEqual(5);
            a.mov(__dword_ptr[rbx + 128], 16);
            a.Call64(288, 3, Data + 112, Data + 128, 0x80800);
            a.cmp(eax, 5);
            a.RequireEqual(6);
            // From 127.0.0.1.
            a.cmp(__dword_ptr[rbx + 116], 0x0100007F);
            a.RequireEqual(7);
            a.Call64(16, 5, 0x541B, Data + 132);
            a.cmp(__dword_ptr[rbx + 132], 2);
            a.RequireEqual(8);
            // A look at it, and a message for nobody.
            a.Call64(45, 5, Buffer, 64, 2, 0, 0);
            a.cmp(eax, 2);
            a.RequireEqual(9);
            a.Call64(44, 5, Buffer, 1000, 0x4000, 0, 0);
            a.cmp(eax, 1000);
            a.RequireEqual(10);
            foreach ((char letter, Label target) in new[] { ('C', crash), ('F', fork), ('K', keep), ('N', wait), ('M', mute) })
            {
                a.cmp(__byte_ptr[rbx + 256], letter);
                a.je(target);
            }
            a.jmp(close);
            a.Label(ref mute);
            a.Call64(233, 4, 2, 3, 0);
            a.test(eax, eax);
            a.RequireEqual(13);
            a.Label(ref close);
            a.Call64(0, 5, Buffer, 64);
            a.cmp(eax, 2);
            a.RequireEqual(11);
            a.Call64(3, 5);
            a.jmp(again);
            a.Label(ref crash);
            a.ud2();
            a.Label(ref fork);
            a.Call64(57);
            a.test(eax, eax);
            a.jne(close);
            a.Call64(0, 5, Buffer, 64);
            a.ud2();
            a.Label(ref keep);
            a.nop();
            a.Label(ref drain);
            a.Call64(0, 5, Buffer, 1);
            a.cmp(eax, 0);
            a.jne(drain);
            a.Label(ref wait);
            a.Call64(34);
            a.Exit(12);
        }, true, true, "a1", "C1", "F1", "K1", "N1", "M1", "a1", "F1", "M1", "a1");
        Assert.Equal(["Done 0", "Crash 4", "Crash 4", "Done 0", "Hang", "Done 0", "Done 0", "Crash 4", "Done 0", "Done 0"], ends.Select(end => end[..end.IndexOf(':')]));
        Assert.Equal((ends[0], ends[2], ends[5], ends[0]), (ends[6], ends[7], ends[8], ends[9]));
    }

    /// <summary>
    /// What an epoll instance watches is the same in every run, and how: a counter once, which has been reported or not, and a pipe. O: both are waited for, and the counter is armed again. D: the pipe is taken out. M: it gets
    /// another name. C: its writing end is closed. E: another instance is waited for, which watches the first one.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIsWatchedIsRestored(bool isReportedBefore)
    {
        const int once = 1 << 30 | 1, Control = 233, Wait = 232, Ends = 96;
        string[] ends = FrozenProgramTests.Run(64, a =>
        {
            Label both = a.CreateLabel(), delete = a.CreateLabel(), modify = a.CreateLabel(), close = a.CreateLabel(), outer = a.CreateLabel();
            void Expect(int value, int code)
            {
                a.cmp(eax, value);
                a.RequireEqual(code);
            }
            void Watch(int poll, int operation, int descriptor, int events, int name)
            {
                a.mov(__dword_ptr[rbx + 64], events);
                a.mov(__qword_ptr[rbx + 68], name);
                a.Call64(Control, poll, operation, descriptor, Data + 64);
                Expect(0, 100 + operation);
            }
            a.mov(rbx, Data);
            a.Call64(213, 1);
            a.Call64(290, 1, 0);
            a.Call64(22, Data + Ends);
            a.Call64(213, 1);
            Watch(3, 1, 4, once, 70);
            Watch(3, 1, 5, 1, 71);
            Watch(7, 1, 3, 1, 72);
            if (isReportedBefore)
            {
                a.Call64(Wait, 3, Buffer, 5, 0);
                Expect(1, 1);
            }
            a.Call64(0, 0, Data + 128, 64);
            foreach ((char letter, Label target) in new[] { ('O', both), ('D', delete), ('M', modify), ('C', close), ('E', outer) })
            {
                a.cmp(__byte_ptr[rbx + 128], letter);
                a.je(target);
            }
            a.Exit(99);
            a.Label(ref both);
            a.Call64(1, 6, Data, 1);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(isReportedBefore ? 1 : 2, 2);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(1, 3);
            a.cmp(__dword_ptr[rbx + 256 + 4], 71);
            a.RequireEqual(4);
            Watch(3, 3, 4, once, 73);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(2, 5);
            a.Exit(0);
            a.Label(ref delete);
            a.Call64(1, 6, Data, 1);
            a.Call64(Control, 3, 2, 5, 0);
            Expect(0, 6);
            a.Call64(Control, 3, 2, 4, 0);
            Expect(0, 7);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(0, 8);
            a.Exit(0);
            a.Label(ref modify);
            a.Call64(1, 6, Data, 1);
            Watch(3, 3, 5, 1, 75);
            a.Call64(Control, 3, 1, 5, Data + 64);
            Expect(-17, 9);
            a.Call64(Control, 3, 2, 4, 0);
            Expect(0, 10);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(1, 11);
            a.cmp(__dword_ptr[rbx + 256 + 4], 75);
            a.RequireEqual(12);
            a.Exit(0);
            a.Label(ref close);
            a.Call64(3, 6);
            a.Call64(Wait, 3, Buffer, 5, -1);
            a.Call64(3, 5);
            a.Call64(Wait, 3, Buffer, 5, 0);
            Expect(0, 13);
            a.Exit(0);
            a.Label(ref outer);
            a.Call64(1, 6, Data, 1);
            a.Call64(Wait, 7, Buffer, 5, 1000);
            Expect(1, 14);
            a.cmp(__dword_ptr[rbx + 256 + 4], 72);
            a.RequireEqual(15);
            a.Exit(0);
        }, false, false, [.. (isReportedBefore ? "ODMCEECMDO" : "ODMEEMDO").Select(letter => letter.ToString())]);
        Assert.All(ends, end => Assert.StartsWith("Done 0:", end));
        Assert.Equal(ends, ends.Reverse());
    }

    /// <summary>32 bits: one call for all that sockets do, messages, an address of IPv6, a port that the system chooses.</summary>
    [Fact]
    public void AServerOf32BitsMayUseTheOneCallForSockets()
    {
        const int data = (int)Data, arguments = data + 512, buffer = (int)Buffer;
        string[] ends = FrozenProgramTests.Run(32, a =>
        {
            void Call(int number, params int[] values)
            {
                for (int i = 0; i < values.Length; i++)
                {
                    a.mov(__dword_ptr[arguments + 4 * i], values[i]);
                }
                a.Call32(102, number, arguments);
            }
            void Expect(int value, int code)
            {
                a.cmp(eax, value);
                a.RequireEqual(code);
            }
            Call(1, 10, 1, 6);
            Expect(3, 1);
            a.mov(__dword_ptr[data], 10);
            Call(2, 3, data, 28);
            Expect(0, 2);
            Call(5, 3, 0, 0);
            Expect(-22, 3);
            Call(4, 3, 1);
            Expect(0, 4);
            a.mov(__dword_ptr[data + 60], 28);
            Call(6, 3, data + 64, data + 60);
            Expect(0, 5);
            a.cmp(__word_ptr[data + 66], 0x80);
            a.RequireEqual(6);
            Call(3, 3, data, 28);
            Expect(-111, 7);
            Call(5, 3, data + 64, data + 60);
            Expect(4, 8);
            // struct msghdr: two pieces of memory.
            foreach ((int offset, int value) in new[] { (128, 0), (132, 9), (136, data + 160), (140, 2), (144, 0), (148, 9), (152, 9), (160, buffer), (164, 1), (168, buffer + 4), (172, 60) })
            {
                a.mov(__dword_ptr[data + offset], value);
            }
            Call(17, 4, data + 128, 0);
            Expect(5, 9);
            a.mov(eax, __dword_ptr[data + 132]);
            a.or(eax, __dword_ptr[data + 148]);
            a.or(eax, __dword_ptr[data + 152]);
            Expect(0, 10);
            a.cmp(__dword_ptr[buffer + 4], 0x65636966);
            a.RequireEqual(11);
            Call(16, 4, data + 128, 0);
            Expect(61, 12);
            Call(13, 4, 1);
            Expect(0, 13);
            Call(9, 4, buffer, 5, 0x4000);
            Expect(-32, 14);
            Call(10, 4, buffer + 8, 5, 0);
            Expect(0, 15);
            a.movzx(ebx, __byte_ptr[buffer]);
            a.mov(eax, 252);
            a.@int(0x80);
        }, false, true, "efice", "Xfice", "efice");
        Assert.Equal(["Done 101", "Done 88", "Done 101"], ends.Select(end => end[..end.IndexOf(':')]));
        Assert.Equal(ends[0], ends[2]);
    }

    /// <summary>It has a child for each connection.</summary>
    [Fact]
    public void AServerOfDebianAnswers()
    {
        const string busybox = "/bin/busybox";
        if (!File.Exists(busybox))
        {
            return;
        }

        using TemporaryFolder folder = new();
        File.WriteAllText(folder["page"], "text");
        using FrozenProgram program = new(busybox, new LinuxOptions { Arguments = ["httpd", "-f", "-p", "8080", "-h", folder.Path] }, desock: true) { AllowsProcesses = true };
        using CoverageMap coverage = new();
        program.Cpu.Coverage = coverage;
        using Fuzzing.Harness harness = new(program.Cpu)
        {
            RunningCpu = () => program.RunningCpu,
            Inject = (_, input) => program.Begin(input),
            OnExit = (Vcpu _, in VcpuExit exit) => program.Serve(exit),
            Classify = (Vcpu _, in VcpuExit _) => (program.IsBlocked ? FuzzOutcome.Hang : FuzzOutcome.Done, null),
        };
        (FuzzOutcome Outcome, long Instructions, string Way)[] runs =
        [
            .. new[] { "page", "nothing", "page", "nothing" }.Select(path =>
            {
                coverage.Clear();
                FuzzResult result = harness.Run(System.Text.Encoding.ASCII.GetBytes($"GET /{path} HTTP/1.0\r\n\r\n"));
                return (result.Outcome, result.Instructions, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(coverage.Edges)));
            }),
        ];
        Assert.All(runs, run => Assert.Equal(FuzzOutcome.Done, run.Outcome));
        Assert.Equal((runs[0], runs[1]), (runs[2], runs[3]));
        Assert.NotEqual(runs[0].Way, runs[1].Way);
    }
}
