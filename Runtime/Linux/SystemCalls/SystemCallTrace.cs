using System.Globalization;
using System.Text;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Prints system calls and signals in the style of strace.</summary>
sealed class SystemCallTrace(TextWriter writer)
{
    const int TextLimit = 32;
    readonly Lock _lock = new();

    /// <summary>A call that has begun. What it passes is read before it is served, what it returns in a buffer afterwards.</summary>
    public sealed class Entry(SystemCallTrace trace, SystemCallContext call, string name, string?[] arguments)
    {
        /// <summary>Prints the call with its result.</summary>
        public void End(long result)
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                arguments[i] ??= result < 0 ? $"0x{call[i]:x}" : Text(call, call[i], (int)Math.Min(result, int.MaxValue - 1));
            }

            trace.Print($"[{call.Thread.Id}] {name}({string.Join(", ", arguments)}) = {Result(call, result)}");
        }
    }

    /// <summary>Notes a call and its arguments.</summary>
    public Entry Begin(SystemCallContext call)
    {
        string kinds = call.Call.Arguments.Split(':')[0];
        string name = call.Call.Name == "unknown" ? SystemCallNames.Of(call.Abi, call.Number) : call.Call.Name;
        return new Entry(this, call, name, [.. kinds.Select((kind, index) => kind == 'B' ? null : Argument(call, kind, index))]);
    }

    /// <summary>Prints a signal that is being delivered.</summary>
    public void Signal(GuestThread thread, SignalInfo info) =>
        Print($"[{thread.Id}] --- {Abi.Signal.Name(info.Signal)} {{si_code={info.Code}, si_pid={info.ProcessId}}} ---");

    /// <summary>Prints an exception of the CPU.</summary>
    public void Fault(GuestThread thread, SignalInfo info) =>
        Print($"[{thread.Id}] --- {Abi.Signal.Name(info.Signal)} {{si_code={info.Code}, si_addr=0x{info.Address:x}}} at 0x{thread.Cpu.Regs.Rip:x} ---");

    static string Result(SystemCallContext call, long result)
    {
        string[] kinds = call.Call.Arguments.Split(':');
        return call.KeepsRegisters ? "?" : result switch
        {
            < 0 and >= -4095 => $"-1 {Errno.Name((int)-result)}",
            _ when kinds.Length > 1 && kinds[1] == "p" => $"0x{result:x}",
            _ => result.ToString(CultureInfo.InvariantCulture),
        };
    }

    void Print(string line)
    {
        lock (_lock)
        {
            writer.WriteLine(line);
            writer.Flush();
        }
    }

    static string Argument(SystemCallContext call, char kind, int index)
    {
        ulong value = call[index];
        return kind switch
        {
            'd' => ((int)value).ToString(CultureInfo.InvariantCulture),
            'u' => value.ToString(CultureInfo.InvariantCulture),
            'l' => call.Long(index).ToString(CultureInfo.InvariantCulture),
            'o' => "0" + Convert.ToString((long)value, 8),
            'p' => value == 0 ? "NULL" : $"0x{value:x}",
            's' => Text(call, value, int.MaxValue),
            'b' => Text(call, value, (int)Math.Min(call[index + 1], int.MaxValue)),
            'F' => (int)value == SystemCallContext.CurrentDirectory ? "AT_FDCWD" : ((int)value).ToString(CultureInfo.InvariantCulture),
            'O' => Flags((OpenFlags)(int)value),
            'S' => Abi.Signal.Name((int)value),
            _ => $"0x{value:x}",
        };
    }

    static string Flags(OpenFlags flags)
    {
        StringBuilder text = new((flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.WriteOnly => "O_WRONLY",
            OpenFlags.ReadWrite => "O_RDWR",
            _ => "O_RDONLY",
        });
        foreach ((OpenFlags flag, string name) in s_flags)
        {
            text.Append((flags & flag) != 0 ? "|" + name : "");
        }

        return text.ToString();
    }

    static readonly (OpenFlags Flag, string Name)[] s_flags =
    [
        (OpenFlags.Create, "O_CREAT"), (OpenFlags.Exclusive, "O_EXCL"), (OpenFlags.NoControllingTerminal, "O_NOCTTY"), (OpenFlags.Truncate, "O_TRUNC"),
        (OpenFlags.Append, "O_APPEND"), (OpenFlags.NonBlocking, "O_NONBLOCK"), (OpenFlags.Directory, "O_DIRECTORY"), (OpenFlags.NoFollow, "O_NOFOLLOW"),
        (OpenFlags.CloseOnExec, "O_CLOEXEC"), (OpenFlags.Path, "O_PATH"), (OpenFlags.TemporaryFile, "O_TMPFILE"),
    ];

    static string Text(SystemCallContext call, ulong address, int size)
    {
        if (address == 0)
        {
            return "NULL";
        }

        byte[] bytes;
        if (size == int.MaxValue)
        {
            if (call.Memory.ReadString(address, Memory.GuestMemory.MaxPath, Errno.ENAMETOOLONG, out bytes) < 0)
            {
                return $"0x{address:x}";
            }
        }
        else
        {
            bytes = new byte[Math.Min(size, TextLimit)];
            if (!call.Memory.TryRead(address, bytes))
            {
                return $"0x{address:x}";
            }
        }

        StringBuilder text = new("\"");
        foreach (byte value in bytes)
        {
            text.Append(value switch
            {
                (byte)'\n' => "\\n",
                (byte)'\t' => "\\t",
                (byte)'\r' => "\\r",
                (byte)'"' => "\\\"",
                (byte)'\\' => "\\\\",
                >= 0x20 and < 0x7F => ((char)value).ToString(),
                _ => "\\" + Convert.ToString(value, 8),
            });
        }

        return text.Append('"').Append(size != int.MaxValue && size > bytes.Length ? "..." : "").ToString();
    }
}
