using System.Text;
using FastVcpu.Gdb.Protocol;
using FastVcpu.Gdb.Registers;

namespace FastVcpu.Gdb;

/// <summary>q and Q: what the server can do, threads, the target description, QEMU's step flags, monitor commands.</summary>
sealed class QueryCommands(World world, RegisterSet set, ThreadSelection threads, PacketStream stream)
{
    readonly string description = TargetDescription.Of(set);
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
            "qAttached" => "1",
            "qSymbol" => Session.Done,
            "qRcmd" => Monitor(rest),
            "qqemu.sstepbits" => "ENABLE=1,NOIRQ=2,NOTIMER=4",
            "qqemu.sstep" => $"0x{(int)world.StepFlags:x}",
            "Qqemu.sstep" => SetStepFlags(rest),
            "qqemu.PhyMemMode" => world.Memory.IsPhysical ? "1" : "0",
            "Qqemu.PhyMemMode" => SetPhysical(rest),
            _ => "",
        };
    }

    string Supported(string features)
    {
        HasBreakpointReasons = features.Contains("swbreak+", StringComparison.Ordinal);
        return $"PacketSize={PacketStream.MaxLength:x};qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+;binary-upload+";
    }

    /// <summary>features:read:target.xml:offset,length.</summary>
    string Transfer(string text)
    {
        const string Name = "features:read:target.xml:";
        if (!text.StartsWith(Name, StringComparison.Ordinal))
        {
            return text.StartsWith("features:read:", StringComparison.Ordinal) ? "E00" : "";
        }
        if (!Hex.TryPair(text.AsSpan(Name.Length), ',', out ulong offset, out ulong length))
        {
            return Session.Error;
        }
        if (offset >= (ulong)description.Length)
        {
            return "l";
        }
        int count = (int)Math.Min(length, Math.Min((ulong)description.Length - offset, PacketStream.MaxLength / 2));
        bool isLast = offset + (ulong)count == (ulong)description.Length;
        return (isLast ? "l" : "m") + description.Substring((int)offset, count);
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
