using System.Text;
using FastVcpu.Gdb.Protocol;
using FastVcpu.Gdb.Registers;

namespace FastVcpu.Gdb;

/// <summary>q and Q: what the server can do, threads, the target description, QEMU's step flags, monitor commands.</summary>
sealed class QueryCommands(World world, GdbOptions options, RegisterSet set, ThreadSelection threads, PacketStream stream)
{
    readonly byte[] description = Encoding.ASCII.GetBytes(TargetDescription.Of(set));
    readonly MonitorCommands monitor = new(world, threads);

    /// <summary>The client understands swbreak and hwbreak in stop replies.</summary>
    public bool HasBreakpointReasons { get; private set; }

    public string? Reply(string text)
    {
        int end = text.AsSpan().IndexOfAny(":,;=");
        string name = end < 0 ? text : text[..end], rest = end < 0 ? "" : text[(end + 1)..];
        return name switch
        {
            "qSupported" => Supported(rest),
            "qXfer" => Transfer(rest),
            "qfThreadInfo" => "m" + string.Join(',', world.Cpus.Select(cpu => cpu.Id.ToString("x"))),
            "qsThreadInfo" => "l",
            "qThreadExtraInfo" => ThreadName(rest),
            "qC" => threads.General is { } cpu ? $"QC{cpu.Id:x}" : "",
            // A program has been started for the debugger and ends with it; a machine was there before and goes on.
            "qAttached" => options.Linux != null ? "0" : "1",
            "qSymbol" => Session.Done,
            "qRcmd" => Monitor(rest),
            "qqemu.sstepbits" => "ENABLE=1,NOIRQ=2,NOTIMER=4",
            "qqemu.sstep" => $"0x{(int)world.StepFlags:x}",
            "Qqemu.sstep" => SetStepFlags(rest),
            "qqemu.PhyMemMode" => world.Memory.IsPhysical ? "1" : "0",
            "QPassSignals" when options.Linux != null => SetPassedSignals(rest),
            "Qqemu.PhyMemMode" => SetPhysical(rest),
            _ => "",
        };
    }

    string Supported(string features)
    {
        HasBreakpointReasons = features.Contains("swbreak+", StringComparison.Ordinal);
        return $"PacketSize={PacketStream.MaxLength:x};qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+;binary-upload+"
            + (options.Linux != null ? ";qXfer:auxv:read+;qXfer:exec-file:read+;QPassSignals+" : "");
    }

    /// <summary>object:read:annex:offset,length.</summary>
    string? Transfer(string text)
    {
        string[] parts = text.Split(':');
        if (parts is not [var name, "read", var annex, var range])
        {
            return "";
        }
        byte[] all = (name, options.Linux) switch
        {
            ("features", _) when annex == "target.xml" => description,
            ("auxv", { } linux) => linux.AuxiliaryVector().ToArray(),
            ("exec-file", { } linux) => Encoding.UTF8.GetBytes(linux.ExecutablePath()),
            _ => [],
        };
        if (all.Length == 0)
        {
            return name == "features" ? "E00" : "";
        }
        if (!Hex.TryPair(range, ',', out ulong offset, out ulong length))
        {
            return Session.Error;
        }
        int start = (int)Math.Min(offset, (ulong)all.Length);
        int count = (int)Math.Min(length, Math.Min((ulong)(all.Length - start), PacketStream.MaxLength / 2));
        stream.Send([start + count == all.Length ? (byte)'l' : (byte)'m', .. all.AsSpan(start, count)]);
        return null;
    }

    string ThreadName(string text) => ThreadSelection.TryId(text, out int id) && threads.Find(id) is { } cpu
        ? Hex.Text(Encoding.ASCII.GetBytes($"CPU#{cpu.Id - 1} [{(cpu.IsRunning ? "running" : "stopped")}]"))
        : Session.Error;

    string SetStepFlags(string text)
    {
        if (!Hex.TryNumber(text, out ulong flags) || (flags & ~(ulong)StepFlags.Default) != 0)
        {
            return Session.Error;
        }
        world.StepFlags = (StepFlags)flags;
        return Session.Done;
    }

    /// <summary>Numbers in hexadecimal with semicolons between.</summary>
    string SetPassedSignals(string text)
    {
        HashSet<int> signals = [];
        foreach (string part in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Hex.TryNumber(part, out ulong number) || number > byte.MaxValue)
            {
                return Session.Error;
            }
            signals.Add((int)number);
        }
        world.PassedSignals = signals;
        return Session.Done;
    }

    string SetPhysical(string text)
    {
        if (text is not ("0" or "1") || !world.Memory.HasPhysical)
        {
            return Session.Error;
        }
        world.Memory.IsPhysical = text == "1";
        return Session.Done;
    }

    string Monitor(string text)
    {
        if (!Hex.TryBytes(text, out byte[] command))
        {
            return Session.Error;
        }
        string answer = monitor.Reply(Encoding.UTF8.GetString(command));
        const int Piece = PacketStream.MaxLength / 4;
        for (int at = 0; at < answer.Length; at += Piece)
        {
            stream.Send("O" + Hex.Text(Encoding.UTF8.GetBytes(answer.Substring(at, Math.Min(Piece, answer.Length - at)))));
        }
        return Session.Done;
    }
}
