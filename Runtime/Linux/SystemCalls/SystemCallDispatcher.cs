using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Takes a call from the registers, has it served and puts the result back.</summary>
static class SystemCallDispatcher
{
    /// <summary>The interrupt of i386 system calls.</summary>
    public const int Interrupt = 0x80;

    static readonly SystemCall s_unknown = new("unknown", _ => -Errno.ENOSYS, "xxxxxx");

    /// <summary>SYSCALL of 64-bit code. False: it waits, has done nothing, and is to be made again (<see cref="Turns"/>).</summary>
    public static bool Call64(SystemCallContext call)
    {
        RegisterFile regs = call.Thread.Cpu.Regs;
        return Dispatch(call, Amd64Table.Table, LinuxAbi.Amd64, regs.Rax, [regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9]);
    }

    /// <summary>INT 80h: the calls of i386, also from 64-bit code. False: it waits, has done nothing, and is to be made again.</summary>
    public static bool Call32(SystemCallContext call)
    {
        RegisterFile regs = call.Thread.Cpu.Regs;
        return Dispatch(call, I386Table.Table, LinuxAbi.I386, (uint)regs.Rax, [regs.Rbx, regs.Rcx, regs.Rdx, regs.Rsi, regs.Rdi, regs.Rbp]);
    }

    static bool Dispatch(SystemCallContext call, SystemCallTable table, LinuxAbi abi, ulong number, ReadOnlySpan<ulong> arguments)
    {
        GuestThread thread = call.Thread;
        SystemCall? row = table[number];
        call.Begin(row ?? s_unknown, number, abi, arguments);
        if (row == null)
        {
            thread.System.ReportUnknown(SystemCallNames.Of(abi, number));
        }

        SystemCallTrace.Entry? entry = thread.System.Trace?.Begin(call);
        long result = Serve(call);
        entry?.End(result);
        if (result == -Errno.EWAIT)
        {
            return false;
        }

        bool isRestart = !call.KeepsRegisters && result is -Errno.ERESTARTSYS or -Errno.ERESTARTNOHAND;
        if (!call.KeepsRegisters && !isRestart)
        {
            thread.Cpu.Regs.Rax = thread.Process.Abi.Address((ulong)result);
        }

        if (isRestart)
        {
            // False means that the thread ends; its loop finds that out by itself.
            thread.HandleAttention(result, number);
        }

        return true;
    }

    static long Serve(SystemCallContext call)
    {
        try
        {
            return call.Call.Handler(call);
        }
        catch (ObjectDisposedException)
        {
            // Another thread of the guest has closed the descriptor in the middle of the call.
            return -Errno.EBADF;
        }
    }
}
