using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>Several vCPUs on several threads share memory; what LOCK promises holds.</summary>
public sealed class SharedMemoryTests
{
    const int Rounds = 200_000;

    [Fact]
    public void LockedInstructionsOfTwoThreadsLoseNothing()
    {
        using Guest shared = new(64, c =>
        {
            Label loop = c.CreateLabel(), retry = c.CreateLabel();
            c.mov(rbx, Guest.Data);
            c.mov(ecx, Rounds);
            c.Label(ref loop);
            c.@lock.inc(__dword_ptr[rbx]);
            c.@lock.add(__qword_ptr[rbx + 8], 3);
            c.mov(edx, 1);
            c.@lock.xadd(__word_ptr[rbx + 16], dx);
            c.mov(eax, __dword_ptr[rbx + 24]);
            c.Label(ref retry);
            c.lea(edx, __[rax + 1]);
            c.@lock.cmpxchg(__dword_ptr[rbx + 24], edx);
            c.jne(retry);
            c.@lock.dec(__dword_ptr[rbx + 61]);
            c.dec(ecx);
            c.jne(loop);
        });
        RunOnTwoThreads(shared);
        Assert.Equal(2u * Rounds, shared.Space.Read<uint>(Guest.Data));
        Assert.Equal(6u * Rounds, shared.Space.Read<ulong>(Guest.Data + 8));
        Assert.Equal(unchecked((ushort)(2 * Rounds)), shared.Space.Read<ushort>(Guest.Data + 16));
        Assert.Equal(2u * Rounds, shared.Space.Read<uint>(Guest.Data + 24));
        Assert.Equal(unchecked(0u - 2 * Rounds), shared.Space.Read<uint>(Guest.Data + 61));
    }

    [Fact]
    public void ASpinLockOfXchgExcludes()
    {
        using Guest shared = new(64, c =>
        {
            Label acquire = c.CreateLabel();
            c.mov(rbx, Guest.Data);
            c.mov(ecx, Rounds / 10);
            c.Label(ref acquire);
            c.mov(eax, 1);
            c.xchg(__dword_ptr[rbx], eax);
            c.test(eax, eax);
            c.jne(acquire);
            c.inc(__qword_ptr[rbx + 64]);
            c.mov(__dword_ptr[rbx], 0);
            c.dec(ecx);
            c.jne(acquire);
        });
        RunOnTwoThreads(shared);
        Assert.Equal(2ul * (Rounds / 10), shared.Space.Read<ulong>(Guest.Data + 64));
    }

    [Fact]
    public void StoresOfOneThreadAreSeenInTheirOrder()
    {
        using Guest shared = new(64, c =>
        {
            Label writes = c.CreateLabel(), reads = c.CreateLabel(), isInOrder = c.CreateLabel(), end = c.CreateLabel();
            c.mov(rbx, Guest.Data);
            c.mov(ecx, Rounds);
            c.mov(eax, 1);
            c.@lock.xadd(__dword_ptr[rbx + 128], eax);
            c.test(eax, eax);
            c.jne(reads);
            c.Label(ref writes);
            c.inc(__dword_ptr[rbx]);
            c.inc(__dword_ptr[rbx + 64]);
            c.dec(ecx);
            c.jne(writes);
            c.jmp(end);
            c.Label(ref reads);
            c.mov(eax, __dword_ptr[rbx + 64]);
            c.cmp(__dword_ptr[rbx], eax);
            c.jae(isInOrder);
            c.@lock.inc(__dword_ptr[rbx + 192]);
            c.Label(ref isInOrder);
            c.dec(ecx);
            c.jne(reads);
            c.Label(ref end);
            c.nop();
        });
        RunOnTwoThreads(shared);
        Assert.Equal((uint)Rounds, shared.Space.Read<uint>(Guest.Data + 64));
        Assert.Equal(0u, shared.Space.Read<uint>(Guest.Data + 192));
    }

    [Fact]
    public void AnotherThreadEndsARun()
    {
        using Guest guest = new(64, c =>
        {
            Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.inc(rax);
            c.jmp(loop);
        });
        using Timer timer = new(_ => guest.Cpu.RequestExit(), null, 20, Timeout.Infinite);
        guest.Run();
        Assert.Equal(ExitReason.Interrupted, guest.Exit.Reason);
        Assert.InRange(guest.Regs.Rip, Guest.Code, guest.CodeEnd);
    }

    [Fact]
    public void CodeThatAnotherThreadWritesIsSeen()
    {
        using Guest guest = new(64, c =>
        {
            Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.mov(al, 0);
            c.cmp(al, 0);
            c.je(loop);
        });
        using Timer timer = new(_ => guest.Space.Write(Guest.Code + 1, [9]), null, 20, Timeout.Infinite);
        guest.RunToEnd();
        Assert.Equal(9u, (byte)guest.Regs.Rax);
    }

    static void RunOnTwoThreads(Guest guest)
    {
        using Vcpu other = new(guest.Cpu.Model, guest.Space, CodeSize.Bits64);
        other.Regs.Rip = Guest.Code;
        other.Regs.Rsp = Guest.Stack + Guest.StackSize / 4;
        VcpuExit exit = default;
        Thread thread = new(() => exit = other.Run());
        thread.Start();
        guest.RunToEnd();
        thread.Join();
        Assert.Equal((Guest.InvalidOpcode, guest.CodeEnd), (exit.Vector, other.Regs.Rip));
    }
}
