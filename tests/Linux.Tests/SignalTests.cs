using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>Signals down to the bytes of their frames. The programs exit with 0, or with the number of the check that failed.</summary>
public class SignalTests
{
    const int Segv = 11, Ill = 4, Fpe = 8, Usr1 = 10;
    const uint SigInfo = 4, Restorer = 0x0400_0000, OnStack = 0x0800_0000;
    const long Data = (long)ElfBuilder.Data;

    [Fact]
    public void AFaultHandlerSeesAndChangesTheContext64()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label handler = a.CreateLabel(), restorer = a.CreateLabel();
            InstallHandler64(a, Segv, handler, restorer, SigInfo | Restorer);
            a.mov(r12, 0x1234_5678_9ABC_DEF0);
            a.mov(rax, 0x1122_3344_5566_7788);
            a.movq(xmm3, rax);
            a.fld1();
            a.fldpi();
            a.stc();
            a.mov(ebx, 5);
            a.mov(rcx, 0x10);
            a.mov(__dword_ptr[rcx], 1);
            Label carry = a.CreateLabel();
            a.jc(carry);
            a.Exit(1);
            a.Label(ref carry);
            a.cmp(rbx, 77);
            a.RequireEqual(2);
            a.mov(rax, 0x1234_5678_9ABC_DEF0);
            a.cmp(r12, rax);
            a.RequireEqual(3);
            a.movq(rdx, xmm3);
            a.mov(rax, 0x1122_3344_5566_7788);
            a.cmp(rdx, rax);
            a.RequireEqual(4);
            a.fstp(st1);
            a.fldpi();
            a.fcomip(st0, st1);
            a.RequireEqual(5);
            a.Exit(0);

            // rdi signal, rsi siginfo, rdx ucontext: RBX at 40 + 11 * 8, RIP at 40 + 16 * 8, error at 40 + 152.
            a.Label(ref handler);
            a.cmp(edi, Segv);
            a.RequireEqual(10);
            a.cmp(__dword_ptr[rsi + 8], 1);
            a.RequireEqual(11);
            a.cmp(__qword_ptr[rsi + 16], 0x10);
            a.RequireEqual(12);
            a.cmp(__qword_ptr[rdx + 40 + 152], 6);
            a.RequireEqual(13);
            a.cmp(__qword_ptr[rdx + 40 + 160], 14);
            a.RequireEqual(14);
            a.cmp(__qword_ptr[rdx + 40 + 176], 0x10);
            a.RequireEqual(15);
            a.test(esp, 15);
            Label aligned = a.CreateLabel();
            a.jnz(aligned);
            a.Exit(16);
            a.Label(ref aligned);
            a.mov(__qword_ptr[rdx + 40 + 11 * 8], 77);
            a.add(__qword_ptr[rdx + 40 + 16 * 8], 6);
            a.xor(r12, r12);
            a.pxor(xmm3, xmm3);
            a.fninit();
            a.ret();

            a.Label(ref restorer);
            a.mov(eax, 15);
            a.syscall();
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    /// <summary>The frame holds the image of XSAVE with the magic numbers of the kernel; what the handler changes there is what the program gets.</summary>
    [Fact]
    public void WholeVectorRegistersSurviveAHandler()
    {
        const int imagePointer = 224, software = 464, header = 512, upper = 576, size = 832;
        const uint magic1 = 0x46505853, magic2 = 0x46505845;
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label handler = a.CreateLabel(), restorer = a.CreateLabel();
            InstallHandler64(a, Ill, handler, restorer, SigInfo | Restorer);
            a.vpcmpeqd(ymm3, ymm3, ymm3);
            a.vpcmpeqd(ymm15, ymm15, ymm15);
            a.ud2();
            a.vextracti128(xmm0, ymm3, 1);
            a.vmovq(rax, xmm0);
            a.mov(rcx, 0x1234_5678_9ABC_DEF0);
            a.cmp(rax, rcx);
            a.RequireEqual(1);
            a.vpmovmskb(eax, ymm15);
            a.cmp(eax, -1);
            a.RequireEqual(2);
            a.Exit(0);

            a.Label(ref handler);
            a.vzeroall();
            a.add(__qword_ptr[rdx + 40 + 16 * 8], 2);
            a.mov(rbx, __qword_ptr[rdx + imagePointer]);
            a.cmp(__dword_ptr[rbx + software], magic1);
            a.RequireEqual(10);
            a.cmp(__dword_ptr[rbx + software + 4], size + 4);
            a.RequireEqual(11);
            a.cmp(__qword_ptr[rbx + software + 8], 7);
            a.RequireEqual(12);
            a.cmp(__dword_ptr[rbx + software + 16], size);
            a.RequireEqual(13);
            a.cmp(__dword_ptr[rbx + size], magic2);
            a.RequireEqual(14);
            a.test(__byte_ptr[rbx + header], 4);
            Label present = a.CreateLabel();
            a.jnz(present);
            a.Exit(15);
            a.Label(ref present);
            a.test(rbx, 63);
            a.RequireEqual(16);
            a.cmp(__qword_ptr[rbx + upper + 15 * 16], -1);
            a.RequireEqual(17);
            a.mov(rcx, 0x1234_5678_9ABC_DEF0);
            a.mov(__qword_ptr[rbx + upper + 3 * 16], rcx);
            a.ret();

            a.Label(ref restorer);
            a.mov(eax, 15);
            a.syscall();
        }, new LinuxOptions { CpuModel = CpuModel.X86_64_V3 });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void AFaultHandlerSeesAndChangesTheContext32(bool withInformation, bool withRestorer)
    {
        GuestResult result = GuestCode.Run(32, a =>
        {
            Label handler = a.CreateLabel(), restorer = a.CreateLabel();
            uint flags = (withInformation ? SigInfo : 0) | (withRestorer ? Restorer : 0);
            a.LoadAddress32(handler);
            a.mov(__dword_ptr[Data], eax);
            a.mov(__dword_ptr[Data + 4], flags);
            a.LoadAddress32(restorer);
            a.mov(__dword_ptr[Data + 8], eax);
            a.Call32(174, Segv, (int)Data, 0, 8);
            a.test(eax, eax);
            a.RequireEqual(1);
            a.fld1();
            a.mov(ebx, 5);
            a.mov(edi, 0x11223344);
            a.mov(ecx, 0x10);
            a.mov(__dword_ptr[ecx], 1);
            a.cmp(ebx, 77);
            a.RequireEqual(2);
            a.cmp(edi, 0x11223344);
            a.RequireEqual(3);
            a.fld1();
            a.fcomip(st0, st1);
            a.RequireEqual(4);
            a.Exit(0);

            // The registers begin behind the signal number, or at 20 in the ucontext that the third argument points to.
            a.Label(ref handler);
            a.cmp(__dword_ptr[esp + 4], Segv);
            a.RequireEqual(10);
            if (withInformation)
            {
                a.mov(eax, __dword_ptr[esp + 8]);
                a.cmp(__dword_ptr[eax + 12], 0x10);
                a.RequireEqual(11);
                a.mov(eax, __dword_ptr[esp + 12]);
                a.add(eax, 20);
            }
            else
            {
                a.lea(eax, __[esp + 8]);
            }

            a.cmp(__dword_ptr[eax + 48], 14);
            a.RequireEqual(12);
            a.cmp(__dword_ptr[eax + 84], 0x10);
            a.RequireEqual(13);
            a.mov(__dword_ptr[eax + 32], 77);
            a.add(__dword_ptr[eax + 56], 6);
            a.xor(edi, edi);
            a.fninit();
            a.ret();

            a.Label(ref restorer);
            if (withInformation)
            {
                a.mov(eax, 173);
            }
            else
            {
                a.pop(eax);
                a.mov(eax, 119);
            }

            a.@int(0x80);
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public void AHandlerRunsOnItsAlternateStackEvenWhenTheStackIsUsedUp()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label handler = a.CreateLabel(), restorer = a.CreateLabel(), recursion = a.CreateLabel();
            InstallHandler64(a, Segv, handler, restorer, SigInfo | Restorer | OnStack);

            // An alternate stack of 64 KiB by mmap.
            a.Call64(9, 0, 0x10000, 3, 0x22, -1, 0);
            a.mov(rbp, rax);
            a.mov(rbx, Data + 64);
            a.mov(__qword_ptr[rbx], rax);
            a.mov(__qword_ptr[rbx + 8], 0);
            a.mov(__qword_ptr[rbx + 16], 0x10000);
            a.Call64(131, Data + 64, 0);
            a.Label(ref recursion);
            a.push(rax);
            a.jmp(recursion);

            a.Label(ref handler);
            a.mov(rax, rsp);
            a.sub(rax, rbp);
            a.shr(rax, 16);
            a.RequireEqual(1);
            a.Exit(0);
            a.Label(ref restorer);
            a.ret();
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    [Theory]
    [InlineData(Ill, "0F 0B", 6)]
    [InlineData(Fpe, "31 C9 F7 F1", 0)]
    [InlineData(5, "CC", 3)]
    [InlineData(Segv, "F4", 13)]
    [InlineData(Segv, "C6 04 25 00 00 00 00 00", 14)]
    [InlineData(Segv, "31 C0 FF E0", 14)]
    [InlineData(Segv, "48 B8 00 00 00 00 00 00 00 80 8A 00", 13)]
    public void ACrashIsReportedWithSignalVectorAndRegisters(int signal, string code, int vector)
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            a.mov(ebx, 0x1234);
            a.db(Convert.FromHexString(code.Replace(" ", "")));
        });
        Assert.Equal(128 + signal, result.ExitCode);
        GuestCrash crash = Assert.Single(result.Crashes);
        Assert.Equal((signal, vector, 64, 0x1234UL), (crash.Signal, crash.Vector, crash.Bits, crash.GeneralRegisters[3]));
    }

    [Fact]
    public void ABlockedFaultKillsAndAnIgnoredOneToo()
    {
        foreach (int handler in (int[])[0, 1])
        {
            GuestResult result = GuestCode.Run(64, a =>
            {
                a.mov(rax, Data);
                a.mov(__qword_ptr[rax], handler);
                a.Call64(13, Segv, Data, 0, 8);
                a.mov(rax, Data + 64);
                a.mov(__qword_ptr[rax], -1);
                a.Call64(14, 2, Data + 64, 0, 8);
                a.ud2();
            });
            Assert.Equal(128 + Ill, result.ExitCode);
        }
    }

    [Fact]
    public void AnInterruptedReadIsMadeAgainOrReturnsEintr()
    {
        foreach (bool restarts in (bool[])[true, false])
        {
            GuestResult result = GuestCode.Run(64, a =>
            {
                Label handler = a.CreateLabel(), restorer = a.CreateLabel(), interrupted = a.CreateLabel(), again = a.CreateLabel();
                InstallHandler64(a, 14, handler, restorer, Restorer | (restarts ? 0x1000_0000u : 0));
                a.Call64(22, Data + 128);

                // ITIMER_REAL in 50 ms; once more, should it be over before the read begins.
                a.Label(ref again);
                a.mov(rbx, Data + 64);
                a.mov(__qword_ptr[rbx + 24], 50_000);
                a.Call64(38, 0, Data + 64, 0);
                a.mov(rax, Data + 128);
                a.mov(edi, __dword_ptr[rax]);
                a.Call64(0, null, Data + 192, 8);
                a.cmp(rax, -4);
                a.je(interrupted);
                a.cmp(rax, 3);
                a.RequireEqual(1);
                if (!restarts)
                {
                    a.jmp(again);
                }

                a.Exit(0);
                a.Label(ref interrupted);
                a.Exit(restarts ? 3 : 0);

                // The handler feeds the pipe, so that a restarted read has something to read.
                a.Label(ref handler);
                a.mov(rax, Data + 128);
                a.mov(edi, __dword_ptr[rax + 4]);
                a.Call64(1, null, Data, 3);
                a.ret();
                a.Label(ref restorer);
                a.mov(eax, 15);
                a.syscall();
            });
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
        }
    }

    [Fact]
    public void ANestedSignalWaitsUntilItsHandlerIsDone()
    {
        GuestResult result = GuestCode.Run(64, a =>
        {
            Label handler = a.CreateLabel(), restorer = a.CreateLabel(), first = a.CreateLabel();
            InstallHandler64(a, Usr1, handler, restorer, Restorer);
            a.xor(ebx, ebx);
            a.xor(ebp, ebp);
            KillMyself(a, Usr1);
            a.cmp(ebx, 2);
            a.RequireEqual(1);
            a.Exit(0);

            a.Label(ref handler);
            a.test(ebp, ebp);
            a.RequireEqual(2);
            a.inc(ebx);
            a.cmp(ebx, 1);
            a.jne(first);
            a.inc(ebp);
            KillMyself(a, Usr1);
            a.dec(ebp);
            a.mov(__dword_ptr[rsp + 8 + 40 + 11 * 8], 1);
            a.Label(ref first);
            a.mov(__qword_ptr[rsp + 8 + 40 + 11 * 8], rbx);
            a.ret();
            a.Label(ref restorer);
            a.mov(eax, 15);
            a.syscall();
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    static void KillMyself(Assembler a, int signal)
    {
        a.Call64(39);
        a.mov(edi, eax);
        a.Call64(62, null, signal);
    }

    static void InstallHandler64(Assembler a, int signal, Label handler, Label restorer, uint flags)
    {
        a.mov(rbx, Data);
        a.lea(rax, __[handler]);
        a.mov(__qword_ptr[rbx], rax);
        a.mov(eax, flags);
        a.mov(__qword_ptr[rbx + 8], rax);
        a.lea(rax, __[restorer]);
        a.mov(__qword_ptr[rbx + 16], rax);
        a.Call64(13, signal, Data, 0, 8);
        a.test(rax, rax);
        a.RequireEqual(100);
    }
}
