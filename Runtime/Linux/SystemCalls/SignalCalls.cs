using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Signals: actions, masks, sending, waiting, returning from handlers.</summary>
static class SignalCalls
{
    const ulong SetSize = 8;
    const int Block = 0, Unblock = 1, SetMask = 2;

    public static long Action(SystemCallContext c)
    {
        const int largest = 32;
        if (c[3] != SetSize)
        {
            return -Errno.EINVAL;
        }

        SignalAction? action = null;
        int size = 3 * c.Abi.WordSize + (int)SetSize;
        if (c[1] != 0)
        {
            Span<byte> bytes = stackalloc byte[largest];
            if (!c.Memory.TryRead(c[1], bytes[..size]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            action = new SignalAction(r.Word(), (uint)r.Word(), r.Word(), r.Wide() & ~Signal.Unmaskable);
        }

        long result = Exchange(c, c.Int(0), action, out SignalAction old);
        if (result < 0 || c[2] == 0)
        {
            return result;
        }

        StructWriter w = c.Struct(stackalloc byte[largest]);
        w.Word(old.Handler);
        w.Word((ulong)old.Flags);
        w.Word(old.Restorer);
        w.Wide(old.Mask);
        return c.Write(c[2], w.Written);
    }

    /// <summary>sigaction of i386: handler, mask of 32 signals, flags, restorer.</summary>
    public static long OldAction(SystemCallContext c)
    {
        const int size = 16;
        SignalAction? action = null;
        Span<byte> bytes = stackalloc byte[size];
        if (c[1] != 0)
        {
            if (!c.Memory.TryRead(c[1], bytes))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            uint handler = r.Int(), mask = r.Int(), flags = r.Int(), restorer = r.Int();
            action = new SignalAction(handler, flags, restorer, mask & ~Signal.Unmaskable);
        }

        long result = Exchange(c, c.Int(0), action, out SignalAction old);
        if (result < 0 || c[2] == 0)
        {
            return result;
        }

        StructWriter w = c.Struct(bytes);
        w.Int((uint)old.Handler);
        w.Int((uint)old.Mask);
        w.Int(old.Flags);
        w.Int((uint)old.Restorer);
        return c.Write(c[2], w.Written);
    }

    /// <summary>signal: one handler call, without the signal blocked.</summary>
    public static long OldSignal(SystemCallContext c)
    {
        SignalAction action = new(c[1], SignalAction.ResetHandler | SignalAction.NoDefer, 0, 0);
        long result = Exchange(c, c.Int(0), action, out SignalAction old);
        return result < 0 ? result : (long)old.Handler;
    }

    public static long Mask(SystemCallContext c)
    {
        if (c[3] != SetSize)
        {
            return -Errno.EINVAL;
        }

        ulong wish = 0;
        if (c[1] != 0 && !c.Memory.TryRead(c[1], out wish))
        {
            return -Errno.EFAULT;
        }

        ulong old = c.Thread.Mask;
        long result = c[1] == 0 ? 0 : ChangeMask(c, c.Int(0), wish);
        return result < 0 || c[2] == 0 ? result : c.Memory.TryWrite(c[2], old) ? 0 : -Errno.EFAULT;
    }

    public static long OldMask(SystemCallContext c)
    {
        uint wish = 0;
        if (c[1] != 0 && !c.Memory.TryRead(c[1], out wish))
        {
            return -Errno.EFAULT;
        }

        ulong old = c.Thread.Mask;
        const ulong upper = 0xFFFF_FFFF_0000_0000;
        long result = c[1] == 0 ? 0 : ChangeMask(c, c.Int(0), c.Int(0) == SetMask ? wish | old & upper : wish);
        return result < 0 || c[2] == 0 ? result : c.Memory.TryWrite(c[2], (uint)old) ? 0 : -Errno.EFAULT;
    }

    public static long Pending(SystemCallContext c) =>
        c[1] > SetSize ? -Errno.EINVAL : c.Write(c[0], BitConverter.GetBytes(PendingSet(c)).AsSpan(0, (int)c[1]));

    public static long OldPending(SystemCallContext c) => c.Memory.TryWrite(c[0], (uint)PendingSet(c)) ? 0 : -Errno.EFAULT;

    public static long Suspend(SystemCallContext c)
    {
        if (c[1] != SetSize)
        {
            return -Errno.EINVAL;
        }

        return c.Memory.TryRead(c[0], out ulong mask) ? Suspend(c, mask) : -Errno.EFAULT;
    }

    public static long OldSuspend(SystemCallContext c) => Suspend(c, c.UInt(2));

    public static long Pause(SystemCallContext c)
    {
        return WaitForSignal(c);
    }

    public static long TimedWait(SystemCallContext c)
    {
        if (c[3] != SetSize)
        {
            return -Errno.EINVAL;
        }

        if (!c.Memory.TryRead(c[0], out ulong set))
        {
            return -Errno.EFAULT;
        }

        long duration = c[2] == 0 ? GuestThread.Forever : GuestTime.ReadDuration(c, c[2]);
        if (c[2] != 0 && duration < 0)
        {
            return duration;
        }

        SignalInfo info = default;
        set &= ~Signal.Unmaskable;
        long waited = c.Thread.WaitUntil(() => c.Thread.Pending.TryTake(set, out info) || c.Process.Pending.TryTake(set, out info), duration);
        if (waited <= 0)
        {
            return waited == 0 ? -Errno.EAGAIN : waited;
        }

        StructWriter w = c.Struct(stackalloc byte[SignalInfo.Size]);
        info.Write(ref w);
        return c[1] != 0 && c.Write(c[1], w.Written) < 0 ? -Errno.EFAULT : info.Signal;
    }

    public static long Kill(SystemCallContext c)
    {
        int id = c.Int(0), signal = c.Int(1);
        if ((uint)signal > Signal.Count)
        {
            return -Errno.EINVAL;
        }

        SignalInfo info = new(signal, SignalInfo.User) { ProcessId = c.Process.Id, UserId = Libc.GetUser() };
        lock (c.System.Lock)
        {
            List<GuestProcess> targets =
            [
                .. c.System.Processes.Values.Where(process => id switch
                {
                    > 0 => process.Id == id,
                    0 => process.Group == c.Process.Group,
                    -1 => process != c.Process,
                    _ => process.Group == -id,
                }),
            ];
            long result = targets.Count == 0 ? -Errno.ESRCH : 0;
            foreach (GuestProcess target in targets)
            {
                result = signal == 0 ? 0 : target.Post(info);
            }

            return result;
        }
    }

    public static long ThreadKill(SystemCallContext c) => SendToThread(c, -1, c.Int(0), c.Int(1), SignalInfo.ThreadKill);

    public static long ThreadGroupKill(SystemCallContext c) => SendToThread(c, c.Int(0), c.Int(1), c.Int(2), SignalInfo.ThreadKill);

    public static long Queue(SystemCallContext c)
    {
        Span<byte> bytes = stackalloc byte[SignalInfo.Size];
        if (!c.Memory.TryRead(c[2], bytes))
        {
            return -Errno.EFAULT;
        }

        SignalInfo info = SignalInfo.Read(bytes, c.Abi) with { Signal = c.Int(1) };
        if ((uint)info.Signal > Signal.Count)
        {
            return -Errno.EINVAL;
        }

        lock (c.System.Lock)
        {
            if (!c.System.Processes.TryGetValue(c.Int(0), out GuestProcess? target))
            {
                return -Errno.ESRCH;
            }

            // Only the kernel sends codes that are not negative, except to itself.
            return info.Code >= 0 && target != c.Process ? -Errno.EPERM : info.Signal == 0 ? 0 : target.Post(info);
        }
    }

    public static long AlternateStack(SystemCallContext c)
    {
        AlternateStack old = c.Thread.AlternateStack;
        bool isOn = old.Contains(c.Thread.Cpu.Regs.Rsp);
        StructWriter w = c.Struct(stackalloc byte[24]);
        w.Word(old.Start);
        w.Int(isOn ? Process.AlternateStack.OnStackFlag : old.IsEnabled ? 0 : Process.AlternateStack.DisabledFlag);
        w.Word(old.Size);
        if (c[0] != 0)
        {
            Span<byte> bytes = stackalloc byte[24];
            if (!c.Memory.TryRead(c[0], bytes[..(3 * c.Abi.WordSize)]))
            {
                return -Errno.EFAULT;
            }

            StructReader r = c.Reader(bytes);
            ulong start = r.Word();
            uint flags = r.Int();
            ulong size = r.Word();
            bool disables = (flags & Process.AlternateStack.DisabledFlag) != 0;
            if (isOn || !disables && size < SignalFrame.MinimumStack)
            {
                return isOn ? -Errno.EPERM : -Errno.ENOMEM;
            }

            c.Thread.AlternateStack = disables ? default : new AlternateStack(start, size);
        }

        return c[1] == 0 ? 0 : c.Write(c[1], w.Written);
    }

    public static long Return(SystemCallContext c) => Finish(c, c.Process.Abi.Is64 ? SignalFrame64.Return(c.Thread) : SignalFrame32.Return(c.Thread));

    public static long OldReturn(SystemCallContext c) => Finish(c, SignalFrame32.ReturnOld(c.Thread));

    static long Finish(SystemCallContext c, long accumulator)
    {
        c.Thread.Cpu.Regs.Rax = (ulong)accumulator;
        c.KeepsRegisters = true;
        return 0;
    }

    static ulong PendingSet(SystemCallContext c)
    {
        lock (c.System.Lock)
        {
            return (c.Thread.Pending.Set | c.Process.Pending.Set) & c.Thread.Mask;
        }
    }

    static long Suspend(SystemCallContext c, ulong mask)
    {
        c.Thread.MaskForThisCall(mask);
        return WaitForSignal(c);
    }

    static long WaitForSignal(SystemCallContext c) => c.Thread.WaitUntil(() => false, GuestThread.Forever) == -Errno.EWAIT ? -Errno.EWAIT : -Errno.ERESTARTNOHAND;

    static long ChangeMask(SystemCallContext c, int how, ulong set)
    {
        ulong? mask = how switch
        {
            Block => c.Thread.Mask | set,
            Unblock => c.Thread.Mask & ~set,
            SetMask => set,
            _ => null,
        };
        if (mask is not { } valid)
        {
            return -Errno.EINVAL;
        }

        c.Thread.Mask = valid;
        return 0;
    }

    static long Exchange(SystemCallContext c, int signal, SignalAction? action, out SignalAction old)
    {
        old = default;
        if (signal is < 1 or > Signal.Count || action != null && (Signal.Bit(signal) & Signal.Unmaskable) != 0)
        {
            return -Errno.EINVAL;
        }

        lock (c.System.Lock)
        {
            old = c.Process.Actions[signal];
            if (action is not { } replacement)
            {
                return 0;
            }

            c.Process.Actions[signal] = replacement;
            if (c.Process.Actions.Ignores(signal))
            {
                c.Process.Pending.Remove(Signal.Bit(signal));
                foreach (GuestThread thread in c.Process.Threads)
                {
                    thread.Pending.Remove(Signal.Bit(signal));
                }
            }

            return 0;
        }
    }

    static long SendToThread(SystemCallContext c, int processId, int threadId, int signal, int code)
    {
        if ((uint)signal > Signal.Count || threadId <= 0 || processId == 0)
        {
            return -Errno.EINVAL;
        }

        lock (c.System.Lock)
        {
            GuestThread? target = c.System.Processes.Values.Where(process => processId < 0 || process.Id == processId)
                .SelectMany(process => process.Threads).FirstOrDefault(thread => thread.Id == threadId);
            if (target == null)
            {
                return -Errno.ESRCH;
            }

            return signal == 0 ? 0 : target.Post(new SignalInfo(signal, code) { ProcessId = c.Process.Id, UserId = Libc.GetUser() });
        }
    }
}
