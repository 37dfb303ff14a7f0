using System.Diagnostics;
using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>Neither long runs nor many machines use up anything.</summary>
[Collection(Alone.Name)]
public sealed class ResourceTests
{
    [Fact]
    public void TheStackDoesNotGrowOverMillionsOfInstructions()
    {
        // With a frame for each instruction, this run would need more than a gigabyte of stack.
        const int Rounds = 3_000_000;
        ulong result = 0;
        Thread thread = new(
            () =>
            {
                using Guest guest = new(64, c =>
                {
                    Label loop = c.CreateLabel(), routine = c.CreateLabel(), end = c.CreateLabel();
                    c.mov(ecx, Rounds);
                    c.mov(rbx, Guest.Data);
                    c.xor(eax, eax);
                    c.Label(ref loop);
                    c.call(routine);
                    c.push(rcx);
                    c.pop(rdx);
                    c.dec(ecx);
                    c.jne(loop);
                    c.jmp(end);
                    c.Label(ref routine);
                    c.inc(__qword_ptr[rbx]);
                    c.add(rax, 2);
                    c.ret();
                    c.Label(ref end);
                    c.nop();
                });
                result = guest.RunToEnd().Regs.Rax;
            },
            maxStackSize: 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(2UL * Rounds, result);
    }

    [Fact]
    public void HotCodeAllocatesNothing()
    {
        using Guest guest = new(64, c =>
        {
            Label loop = c.CreateLabel(), routine = c.CreateLabel(), end = c.CreateLabel();
            c.mov(ecx, 100_000);
            c.Label(ref loop);
            c.call(routine);
            c.mov(rax, __qword_ptr[rsp - 8]);
            c.dec(ecx);
            c.jne(loop);
            c.jmp(end);
            c.Label(ref routine);
            c.ret();
            c.Label(ref end);
            c.nop();
        });
        // As soon as the handlers that it asks for have been compiled, on another thread.
        Background.Until(() =>
        {
            guest.Rewind();
            long before = GC.GetAllocatedBytesForCurrentThread();
            guest.Cpu.Run();
            return GC.GetAllocatedBytesForCurrentThread() == before;
        });
    }

    [Fact]
    public void TenThousandMachinesLeaveNothingBehind()
    {
        byte[] code = Guest.Assemble(64, c => c.add(eax, 8));
        CreateAndRun(code, 500);
        long before = ResidentBytes();
        CreateAndRun(code, 10_000);
        long growth = ResidentBytes() - before;
        Assert.True(growth < 64 << 20, $"10 000 machines left {growth >> 20} MiB behind");
    }

    [Fact]
    public void MachinesThatNobodyDisposesAreCollected()
    {
        byte[] code = Guest.Assemble(64, c => c.add(eax, 8));
        CreateAndForget(code, 200);
        long before = ResidentBytes();
        for (int i = 0; i < 20; i++)
        {
            CreateAndForget(code, 100);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        long growth = ResidentBytes() - before;
        Assert.True(growth < 128 << 20, $"2 000 forgotten machines left {growth >> 20} MiB behind");
    }

    [Fact]
    public void AGuestThatMakesCodeForeverDoesNotTakeMemoryForever()
    {
        using Guest guest = new(64, c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rbx, 0x100000);
            c.Label(ref loop);
            c.inc(__dword_ptr[rbx + 1]);
            c.call(rbx);
            c.jmp(loop);
        });
        guest.Space.Map(0x100000, 4096, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        guest.Space.Write(0x100000, Guest.Assemble(64, c =>
        {
            c.mov(eax, 0);
            c.ret();
        }, 0x100000));
        guest.Run(200_000);
        long before = ResidentBytes();
        guest.Run(2_000_000);
        Assert.Equal(ExitReason.InstructionLimit, guest.Exit.Reason);
        Assert.True(ResidentBytes() - before < 128 << 20);
    }

    static void CreateAndRun(byte[] code, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using Guest guest = new(64, code);
            Assert.True(guest.Run().IsDone);
        }
    }

    static void CreateAndForget(byte[] code, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(new Guest(64, code).Run().IsDone);
        }
    }

    static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
