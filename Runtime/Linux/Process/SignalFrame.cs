using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>Calls a signal handler: saves the state of the thread on its stack, and restores it at sigreturn.</summary>
static class SignalFrame
{
    /// <summary>AT_MINSIGSTKSZ.</summary>
    public const int MinimumStack = 2048;

    /// <summary>Flags that a handler may change for the interrupted code: OF DF TF SF ZF AF PF CF RF AC.</summary>
    public const ulong RestorableFlags = 0x50DD5;

    const ulong DirectionFlag = 1 << 10, TrapFlag = 1 << 8, ResumeFlag = 1 << 16;
    const ulong RedZone = 128;

    /// <summary>Lets the thread run a handler. False: the frame does not fit on its stack.</summary>
    public static bool TryPush(GuestThread thread, SignalInfo info, SignalAction action, ulong oldMask)
    {
        ulong stack = thread.Cpu.Regs.Rsp;
        if (thread.Process.Abi.Is64)
        {
            stack -= RedZone;
        }

        if ((action.Flags & SignalAction.OnAlternateStack) != 0 && thread.AlternateStack is { IsEnabled: true } other && !other.Contains(stack))
        {
            stack = other.Start + other.Size;
        }

        bool pushed = thread.Process.Abi.Is64
            ? SignalFrame64.TryPush(thread, info, action, oldMask, stack)
            : SignalFrame32.TryPush(thread, info, action, oldMask, (uint)stack);
        if (pushed)
        {
            thread.Cpu.Regs.Rip = action.Handler;
            thread.Cpu.Regs.Rflags &= ~(DirectionFlag | TrapFlag | ResumeFlag);
        }

        return pushed;
    }

    /// <summary>The stack_t that a frame shows.</summary>
    public static void WriteStack(ref StructWriter writer, GuestThread thread)
    {
        AlternateStack stack = thread.AlternateStack;
        writer.Word(stack.Start);
        uint onStack = stack.Contains(thread.Cpu.Regs.Rsp) ? AlternateStack.OnStackFlag : 0;
        writer.Int(stack.IsEnabled ? onStack : AlternateStack.DisabledFlag);
        writer.Word(stack.Size);
    }

    /// <summary>Takes the stack_t of a frame back: a handler may have changed it there.</summary>
    public static void ReadStack(ref StructReader reader, GuestThread thread)
    {
        ulong start = reader.Word();
        uint flags = reader.Int();
        ulong size = reader.Word();
        thread.AlternateStack = (flags & AlternateStack.DisabledFlag) != 0 ? default : new AlternateStack(start, size);
    }

    /// <summary>Ends a handler whose frame cannot be read back.</summary>
    public static long Bad(GuestThread thread)
    {
        thread.Force(new SignalInfo(Signal.SIGSEGV, SignalInfo.Kernel), null);
        return 0;
    }

    /// <summary>Puts the flags of the interrupted code back.</summary>
    public static void RestoreFlags(Vcpu cpu, ulong saved) => cpu.Regs.Rflags = cpu.Regs.Rflags & ~RestorableFlags | saved & RestorableFlags;
}
