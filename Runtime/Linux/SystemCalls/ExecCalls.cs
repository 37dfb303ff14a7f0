using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>execve and the end of threads and processes.</summary>
static class ExecCalls
{
    /// <summary>MAX_ARG_STRLEN, and a bound for the number of strings.</summary>
    const int MaxString = 131072, MaxStrings = 65536;

    public static long Execute(SystemCallContext c) => Execute(c, -1, 0, 1, 2, 0);

    public static long ExecuteAt(SystemCallContext c) => Execute(c, 0, 1, 2, 3, c.Int(4));

    public static long Exit(SystemCallContext c)
    {
        c.KeepsRegisters = true;
        c.Thread.Leave(c.Int(0));
        return 0;
    }

    public static long ExitGroup(SystemCallContext c)
    {
        c.KeepsRegisters = true;
        c.Process.Terminate(new ExitStatus(c.Int(0) & 0xFF, 0));
        return 0;
    }

    static long Execute(SystemCallContext c, int directoryIndex, int pathIndex, int argumentsIndex, int environmentIndex, int flags)
    {
        if (c.System.Turns is { IsTarget: true })
        {
            return c.System.Refuse(c.Call.Name);
        }

        long error = c.ReadPath(pathIndex, out string path);
        if (error < 0)
        {
            return error;
        }

        GuestDirectory start = c.Process.Files.WorkingDirectory;
        if (path.Length == 0 && (flags & HostCalls.EmptyPath) != 0)
        {
            path = $"/proc/self/fd/{c.Int(directoryIndex)}";
        }
        else if (path.Length == 0)
        {
            return -Errno.ENOENT;
        }
        else if (path[0] != '/')
        {
            GuestDirectory? found = c.Directory(directoryIndex, out error);
            if (found == null)
            {
                return error;
            }

            start = found;
        }

        error = ReadStrings(c, c[argumentsIndex], out List<byte[]> arguments);
        if (error < 0)
        {
            return error;
        }

        error = ReadStrings(c, c[environmentIndex], out List<byte[]> environment);
        if (error < 0)
        {
            return error;
        }

        // A program without argument 0 is more than many can stand.
        arguments = arguments.Count == 0 ? [[]] : arguments;
        (LoadedProgram? program, LoadFailure? failure) = new ProgramLoader(c.Process)
            .Load(start, path, (flags & HostCalls.SymlinkNoFollow) == 0, arguments, environment);
        if (program == null)
        {
            return failure!.Error;
        }

        if (!BecomeOnlyThread(c))
        {
            program.Memory.Dispose();
            c.KeepsRegisters = true;
            return 0;
        }

        c.Process.PrepareForExec();
        c.Thread.Exec(program);
        c.KeepsRegisters = true;
        return 0;
    }

    /// <summary>Ends all other threads. False: this thread was ended meanwhile.</summary>
    static bool BecomeOnlyThread(SystemCallContext c)
    {
        lock (c.System.Lock)
        {
            if (c.Thread.IsLeaving || c.Process.Status != null)
            {
                return false;
            }

            if (c.System.Turns is { } turns)
            {
                turns.EndOthers(c.Thread);
                return true;
            }

            foreach (GuestThread other in c.Process.Threads)
            {
                if (other != c.Thread)
                {
                    other.Expel();
                }
            }
        }

        c.Thread.WaitUninterrupted(() =>
        {
            lock (c.System.Lock)
            {
                return c.Process.Threads.Count == 1;
            }
        }, endsSoon: true);
        return c.Process.Status == null && !c.Thread.IsLeaving;
    }

    static long ReadStrings(SystemCallContext c, ulong address, out List<byte[]> strings)
    {
        strings = [];
        if (address == 0)
        {
            return 0;
        }

        ulong total = 0;
        while (true)
        {
            if (!c.Memory.TryReadWord(address, out ulong pointer))
            {
                return -Errno.EFAULT;
            }

            if (pointer == 0)
            {
                return 0;
            }

            long error = c.Memory.ReadString(pointer, MaxString, Errno.E2BIG, out byte[] text);
            if (error < 0)
            {
                return error;
            }

            strings.Add(text);
            total += (ulong)text.Length + 1;
            address += (ulong)c.Memory.Abi.WordSize;
            if (strings.Count > MaxStrings || total > ProgramLoader.ArgumentLimit)
            {
                return -Errno.E2BIG;
            }
        }
    }
}
