using System.Diagnostics;
using System.Net.Sockets;
using FastVcpu.Tests.Harness;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Gdb.Tests;

/// <summary>`fastvcpu gdb` and `--gdb`: a real gdb on programs, kernels, ROMs and functions, over a pipe.</summary>
public sealed class CommandTests : IDisposable
{
    const string Continue = "continue", Pc = "info registers $pc";
    const int ThreadFlags = 0x10F00, Sigusr1 = 10;

    readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [GdbFact]
    public void AProgramWaitsAtItsFirstInstructionAndItsExitIsTold()
    {
        string output = Debug(["gdb", "--at", "-", Program(64, a => a.Exit(7))], Pc, "info auxv", "print $fs_base", "print $orig_rax", Continue);
        Assert.Contains("0x400100", output);
        Assert.Matches("AT_ENTRY .*0x400100", output);
        Assert.Contains("exited with code 07", output);
        Assert.DoesNotContain("target description", output);
        Assert.DoesNotContain("void", output);
    }

    [GdbFact]
    public void AProgramOfI386()
    {
        string output = Debug(["run", "--gdb", "-", Program(32, a => { a.mov(ecx, 5); a.Exit(3); })], "stepi", "print $ecx", Continue);
        Assert.Contains("$1 = 5", output);
        Assert.Contains("exited with code 03", output);
    }

    [GdbFact]
    public void AFaultStopsWithItsSignalAndMayBeHandedOnOrMended()
    {
        string program = Program(64, a => { a.mov(ebx, 0x1234); a.mov(eax, __dword_ptr[rbx]); a.Exit(4); });
        string killed = Debug(["run", "--gdb", "-", program], Continue, Pc, Continue);
        Assert.Contains("received signal SIGSEGV", killed);
        Assert.Contains("0x400105", killed);
        Assert.Contains("terminated with signal SIGSEGV", killed);
        string mended = Debug(["run", "--gdb", "-", program], Continue, "set $rbx = $rsp", "signal 0");
        Assert.Contains("exited with code 04", mended);
    }

    [GdbFact]
    public void ASignalIsToldBeforeItIsHandledAndMayBeDropped()
    {
        string program = Program(64, a =>
        {
            a.Call64(39);
            a.mov(edi, eax);
            a.Call64(62, null, Sigusr1);
            a.Exit(5);
        });
        Assert.Contains("received signal SIGUSR1", Debug(["run", "--gdb", "-", program], Continue));
        Assert.Contains("terminated with signal SIGUSR1", Debug(["run", "--gdb", "-", program], Continue, Continue));
        Assert.Contains("exited with code 05", Debug(["run", "--gdb", "-", program], Continue, "signal 0"));
        Assert.DoesNotContain("received signal", Debug(["run", "--gdb", "-", program], "handle SIGUSR1 nostop noprint", Continue));
    }

    [GdbFact]
    public void ThreadsOfAProgramAreThreads()
    {
        string program = Program(64, a =>
        {
            Label thread = a.CreateLabel(), wait = a.CreateLabel();
            // Before there is another thread, which may stop this one anywhere.
            a.mov(rbx, ElfBuilder.Data + 4);
            a.Call64(56, ThreadFlags, (long)ElfBuilder.Data + 0x1000, 0, 0, 0);
            a.test(eax, eax);
            a.jz(thread);
            a.Label(ref wait);
            a.pause();
            a.cmp(__dword_ptr[rbx - 4], 0);
            a.je(wait);
            a.Exit(6);
            a.Label(ref thread);
            a.int3();
            a.mov(rbx, ElfBuilder.Data);
            a.mov(__dword_ptr[rbx], 1);
            a.Call64(60, 0);
        });
        string output = Debug(["run", "--gdb", "-", program], Continue, "info threads", "stepi", "print $rbx", "thread 1", "print/x $rbx", Continue);
        Assert.Contains("Thread 2 received signal SIGTRAP", output.Replace("\"", ""));
        Assert.Matches(@"\* 2 +Thread 2", output);
        Assert.Contains("$1 = 4202496", output);
        Assert.Contains("$2 = 0x402004", output);
        Assert.Contains("exited with code 06", output);
    }

    [GdbFact]
    public void AProgramEndsAlthoughOneOfItsThreadsIsHeld()
    {
        string program = Program(64, a =>
        {
            Label thread = a.CreateLabel();
            a.Call64(56, ThreadFlags, (long)ElfBuilder.Data + 0x1000, 0, 0, 0);
            a.test(eax, eax);
            a.jz(thread);
            a.int3();
            a.Exit(8);
            a.Label(ref thread);
            a.pause();
            a.jmp(thread);
        });
        string output = Debug(["run", "--gdb", "-", program], Continue, "thread 1", "set scheduler-locking on", "signal 0");
        Assert.Contains("exited with code 010", output);
    }

    [GdbFact]
    public void AForkedProcessRunsFreeOfBreakpoints()
    {
        // The child passes the breakpoint that only the parent stops at; the parent hands on its exit code.
        string program = Program(64, a =>
        {
            Label child = a.CreateLabel(), work = a.CreateLabel();
            a.jmp(work);
            for (int i = 0; i < 6; i++)
            {
                a.nop();
            }
            a.Label(ref work);
            a.Call64(57);
            a.nop();
            a.test(eax, eax);
            a.jz(child);
            a.Call64(61, -1, (long)ElfBuilder.Data, 0, 0);
            a.mov(rbx, ElfBuilder.Data);
            a.movzx(edi, __byte_ptr[rbx + 1]);
            a.mov(eax, 231);
            a.syscall();
            a.Label(ref child);
            a.Exit(9);
        });
        string output = Debug(["run", "--gdb", "-", program], "break *0x40010f", Continue, "print $rax > 0", Continue);
        Assert.Contains("Breakpoint 1, ", output);
        Assert.Contains("$1 = 1", output);
        Assert.Contains("exited with code 011", output);
    }

    [GdbFact]
    public void WatchpointsAndStepsOverSystemCallsInAProgram()
    {
        string program = Program(64, a => { a.mov(rbx, ElfBuilder.Data); a.inc(__dword_ptr[rbx]); a.Call64(39); a.Exit(0); });
        string output = Debug(["run", "--gdb", "-", program], "watch *(int*)0x402000", Continue, "delete", "stepi", "stepi", "print $eax");
        Assert.Contains("New value = 1", output);
        Assert.Contains("$1 = 100", output);
    }

    [GdbTheory]
    [InlineData(64, "rip")]
    [InlineData(32, "eip")]
    [InlineData(16, "eip")]
    public void AFunctionOfEachWidth(int bits, string pc)
    {
        string code = Write(Guest.Assemble(bits, a => { a.mov(ax, 0x1234); a.ret(); }, 0x7000));
        string output = Debug(["gdb", "--at", "-", "--base", "0x7000", "--bits", $"{bits}", code], $"info registers {pc}", "stepi", "print/x $ax", Continue);
        Assert.Contains("0x7000", output);
        Assert.Contains("$1 = 0x1234", output);
        Assert.Contains("exited normally", output);
    }

    [GdbFact]
    public void AKernelWaitsAtItsEntryWithSystemRegisters()
    {
        string kernel = Write(Guest.Assemble(32, a => { a.mov(eax, cr0); a.cli(); a.hlt(); }, 0x100000));
        string output = Debug(["gdb", "--at", "-", kernel], Pc, "stepi", "print $rax == $cr0", "print/x $cs_limit", "print/x $efer", Continue);
        Assert.Contains("0x100000", output);
        Assert.Contains("$1 = 1", output);
        Assert.Contains("$2 = 0xffffffff", output);
        Assert.Contains("$3 = 0x0", output);
        Assert.Contains("exited normally", output);
    }

    [GdbFact]
    public void ARomWaitsAtTheResetVector()
    {
        byte[] rom = new byte[0x1000];
        byte[] code = Guest.Assemble(16, a => { a.mov(ax, 0x77); a.cli(); a.hlt(); }, 0xFFF0);
        code.CopyTo(rom, 0xFF0);
        string output = Debug(["gdb", "--at", "-", "--rom", "--cpu", "486", Write(rom)], "print/x $cs_base + $eip", "stepi", "print/x $ax");
        Assert.Contains("$1 = 0xfffffff0", output);
        Assert.Contains("$2 = 0x77", output);
    }

    [Fact]
    public void AUnixSocketIsListenedOnAndTheGuestWaits()
    {
        if (!Socket.OSSupportsUnixDomainSockets)
        {
            return;
        }
        string path = Path.Combine(folder, "socket");
        string code = Write(Guest.Assemble(64, a => { a.mov(ecx, 3); a.ret(); }, 0x7000));
        using Process tool = Start(["call", code, "--base", "0x7000", "--gdb", path]);
        Assert.Contains($"target remote {path}", tool.StandardError.ReadLine());
        using (Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Send([0, 1, 2, .. Client.Frame("no packet of the protocol"u8), .. Client.Frame("c"u8)]);
            Assert.True(tool.WaitForExit(Background.Patience));
        }
        Assert.Equal(0, tool.ExitCode);
        Assert.Contains("instructions  2", tool.StandardOutput.ReadToEnd());
    }

    string Write(byte[] bytes)
    {
        string path = Path.Combine(folder, Path.GetRandomFileName());
        File.WriteAllBytes(path, bytes);
        return path;
    }

    string Program(int bits, Action<Assembler> code)
    {
        string path = Write(ElfBuilder.Build(bits, code));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
        return path;
    }

    static string Tool => Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll");

    static string Debug(string[] arguments, params string[] commands) => RealGdb.Run($"| exec dotnet {Tool} {string.Join(' ', arguments)}", commands);

    static Process Start(string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Tool, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }
}
