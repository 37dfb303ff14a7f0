using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>fork, vfork and clone: a new guest process, or a new thread of one, on a thread of the host or, with <see cref="Turns"/>, a thread on the CPU of its process.</summary>
static class CloneCalls
{
    [Flags]
    enum CloneFlags : ulong
    {
        SignalMask = 0xFF,
        Memory = 0x100,
        Files = 0x200,
        Descriptors = 0x400,
        SignalHandlers = 0x800,
        PidDescriptor = 0x1000,
        Vfork = 0x4000,
        Thread = 0x1_0000,
        SetThreadLocalStorage = 0x8_0000,
        SetParentId = 0x10_0000,
        ClearChildId = 0x20_0000,
        SetChildId = 0x100_0000,
        NewNamespaces = 0x7E02_0000,
        ClearSignalHandlers = 0x1_0000_0000,
    }

    readonly record struct Request(CloneFlags Flags, int ExitSignal, ulong Stack, ulong ParentId, ulong ChildId, ulong LocalStorage);

    public static long Fork(SystemCallContext c) => Clone(c, new Request(0, Signal.SIGCHLD, 0, 0, 0, 0));

    public static long Vfork(SystemCallContext c) => Clone(c, new Request(CloneFlags.Memory | CloneFlags.Vfork, Signal.SIGCHLD, 0, 0, 0, 0));

    /// <summary>clone: the last two arguments change places between the ABIs.</summary>
    public static long Clone(SystemCallContext c)
    {
        CloneFlags flags = (CloneFlags)c.UInt(0);
        ulong childId = c.Abi.Is64 ? c[3] : c[4], storage = c.Abi.Is64 ? c[4] : c[3];
        return Clone(c, new Request(flags & ~CloneFlags.SignalMask, (int)(flags & CloneFlags.SignalMask), c[1], c[2], childId, storage));
    }

    public static long Clone3(SystemCallContext c)
    {
        const int firstSize = 64, largestSize = 88;
        Span<byte> bytes = stackalloc byte[largestSize];
        bytes.Clear();
        if (c[1] is < firstSize or > largestSize)
        {
            return c[1] < firstSize ? -Errno.EINVAL : -Errno.E2BIG;
        }

        if (!c.Memory.TryRead(c[0], bytes[..(int)c[1]]))
        {
            return -Errno.EFAULT;
        }

        StructReader r = new(bytes, LinuxAbi.Amd64);
        CloneFlags flags = (CloneFlags)r.Wide();
        r.Wide();
        ulong childId = r.Wide(), parentId = r.Wide(), signal = r.Wide(), stack = r.Wide(), stackSize = r.Wide(), storage = r.Wide(), setId = r.Wide();
        bool unsupported = setId != 0 || (flags & CloneFlags.SignalMask) != 0 || signal > Signal.Count || stack == 0 != (stackSize == 0);
        return unsupported ? -Errno.EINVAL : Clone(c, new Request(flags, (int)signal, stack == 0 ? 0 : stack + stackSize, parentId, childId, storage));
    }

    static long Clone(SystemCallContext c, Request request)
    {
        CloneFlags flags = request.Flags;
        bool isThread = (flags & CloneFlags.Thread) != 0;
        const CloneFlags threadNeeds = CloneFlags.Memory | CloneFlags.SignalHandlers;
        if ((flags & (CloneFlags.NewNamespaces | CloneFlags.PidDescriptor)) != 0
            || isThread && (flags & threadNeeds) != threadNeeds
            || (flags & CloneFlags.SignalHandlers) != 0 && (flags & CloneFlags.Memory) == 0)
        {
            return -Errno.EINVAL;
        }

        // Two CPUs on the same memory are only right where the host orders accesses as x86 does. After vfork the parent stands still.
        bool runsTogether = (flags & CloneFlags.Memory) != 0 && (flags & CloneFlags.Vfork) == 0;
        if (runsTogether && c.System.Turns == null && !HostPlatform.HasX86MemoryOrder)
        {
            return -Errno.ENOSYS;
        }

        if (!isThread && c.System.Turns is { RefusesProcesses: true })
        {
            return c.System.Refuse(c.Call.Name);
        }

        bool isTooMany = c.System.Turns != null && !isThread && c.System.Processes.Count >= Turns.MostProcesses;
        if (isTooMany || !c.System.TryAddThread())
        {
            return -Errno.EAGAIN;
        }

        long result = isThread ? StartThread(c, request) : StartProcess(c, request);
        if (result < 0)
        {
            c.System.RemoveThread();
        }

        return result;
    }

    static long StartThread(SystemCallContext c, Request request)
    {
        int id = c.System.NewId();
        VcpuState? caller = c.System.Turns == null ? null : c.Thread.Cpu.SaveState();
        GuestThread? child = Prepare(c, request, c.Process, id, c.Memory);
        if (caller != null)
        {
            child?.Leave();
            c.Thread.Cpu.RestoreState(caller);
        }

        if (child == null)
        {
            return -Errno.EINVAL;
        }

        if ((request.Flags & CloneFlags.SetParentId) != 0)
        {
            c.Memory.TryWrite(request.ParentId, id);
        }

        c.Process.AddThread(child);
        child.Start();
        return id;
    }

    static long StartProcess(SystemCallContext c, Request request)
    {
        CloneFlags flags = request.Flags;
        GuestProcess parent = c.Process;
        GuestMemory? memory = (flags & CloneFlags.Memory) != 0 ? c.Memory.AddUser() : c.Memory.TryClone();
        if (memory == null)
        {
            return -Errno.ENOMEM;
        }

        GuestProcess process = new(
            c.System,
            parent,
            (flags & CloneFlags.Descriptors) != 0 ? parent.Descriptors.AddUser() : parent.Descriptors.Clone(),
            (flags & CloneFlags.Files) != 0 ? parent.Files : parent.Files.Clone(),
            (flags & CloneFlags.SignalHandlers) != 0 ? parent.Actions : parent.Actions.Clone());
        process.InheritProgram(parent, memory);
        GuestThread? child = Prepare(c, request, process, process.Id, memory);
        if (child == null)
        {
            process.Descriptors.ReleaseUser();
            memory.Dispose();
            return -Errno.EINVAL;
        }

        child.AlternateStack = (flags & CloneFlags.Memory) != 0 && (flags & CloneFlags.Vfork) == 0 ? default : c.Thread.AlternateStack;
        if ((flags & CloneFlags.SetParentId) != 0)
        {
            c.Memory.TryWrite(request.ParentId, process.Id);
        }

        bool waits = (flags & CloneFlags.Vfork) != 0;
        if (waits)
        {
            process.SetVforkParent(c.Thread);
        }

        if (memory != parent.Memory)
        {
            c.System.Options.Debugger?.Forked(child.Cpu);
        }

        process.AddThread(child);
        parent.AddChild(process);
        c.System.Add(process);
        child.Start();
        if (waits && c.System.Turns != null)
        {
            c.Thread.Borrower = process;
        }
        else if (waits)
        {
            c.Thread.WaitUninterrupted(() => !process.HoldsVforkParent);
        }

        return process.Id;
    }

    /// <summary>The new thread with its registers; null when its thread-local storage is not valid.</summary>
    static GuestThread? Prepare(SystemCallContext c, Request request, GuestProcess process, int id, GuestMemory memory)
    {
        bool isShared = c.System.Turns != null && process == c.Process;
        Vcpu cpu = isShared ? c.Thread.Cpu : Processor.Copy(c.Thread.Cpu, memory, c.Thread.Descriptors);
        GuestThread child = new(process, id, cpu, c.Thread);
        cpu.Regs.Rax = 0;
        if (request.Stack != 0)
        {
            cpu.Regs.Rsp = request.Stack;
        }

        if ((request.Flags & CloneFlags.SetThreadLocalStorage) != 0 && !LocalStorageCalls.SetForClone(c, child, request.LocalStorage))
        {
            if (!isShared)
            {
                cpu.Dispose();
            }

            return null;
        }

        if ((request.Flags & CloneFlags.SetChildId) != 0)
        {
            memory.TryWrite(request.ChildId, id);
        }

        child.ClearOnExit = (request.Flags & CloneFlags.ClearChildId) != 0 ? request.ChildId : 0;
        return child;
    }
}
