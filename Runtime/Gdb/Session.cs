using System.Text;
using FastVcpu.Gdb.Protocol;
using FastVcpu.Gdb.Registers;

namespace FastVcpu.Gdb;

/// <summary>One client's connection: reads its packets and answers them. What is not understood is answered with an empty packet, as the protocol wants.</summary>
sealed class Session
{
    public const string Error = "E01", Done = "OK";

    readonly World world;
    readonly GdbOptions options;
    readonly PacketStream stream;
    readonly Action close;
    readonly Lock gate = new();
    readonly ThreadSelection threads;
    readonly RegisterCommands registers;
    readonly MemoryCommands memory;
    readonly BreakpointCommands breakpoints;
    readonly ResumeCommands resumption;
    readonly QueryCommands queries;
    string? ending;
    string lastStop = "";
    bool isOpen = true;

    /// <summary>The client waits for a stop reply.</summary>
    bool awaitsStop;

    public Session(World world, GdbOptions options, PacketStream stream, Action close)
    {
        this.world = world;
        this.options = options;
        this.stream = stream;
        this.close = close;
        RegisterSet set = new(options.Is64Bit, options.Machine == null, options.Linux != null);
        threads = new ThreadSelection(world);
        registers = new RegisterCommands(set, threads);
        memory = new MemoryCommands(world, threads);
        breakpoints = new BreakpointCommands(world, threads);
        resumption = new ResumeCommands(world, threads);
        queries = new QueryCommands(world, options, set, threads, stream);
    }

    /// <summary>Answers packets until the client goes.</summary>
    public void Serve()
    {
        try
        {
            world.Stopped = Stopped;
            world.Attach();
            lastStop = StopReply(threads.General, new StopReason(StopReason.Trap));
            while (isOpen && stream.Receive(out bool isInterrupt) is { } packet)
            {
                if (isInterrupt)
                {
                    Interrupt();
                }
                else
                {
                    Answer(packet);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The client has gone in the middle of a packet.
        }
        finally
        {
            world.Stopped = null;
            world.Detach();
        }
    }

    /// <summary>The guest has ended.</summary>
    public void End(string packet)
    {
        lock (gate)
        {
            ending = packet;
            if (awaitsStop)
            {
                awaitsStop = false;
                TrySend(packet);
            }
        }
    }

    public void Close() => close();

    void Interrupt()
    {
        world.Stop();
        // Found before the lock is taken: a vCPU that stops holds the world and then wants it.
        DebuggedCpu? cpu = threads.General;
        lock (gate)
        {
            if (awaitsStop)
            {
                awaitsStop = false;
                SendStop(cpu, new StopReason(StopReason.Interrupt));
            }
        }
    }

    /// <summary>Called on the thread of the vCPU that has stopped the world.</summary>
    void Stopped(DebuggedCpu cpu, StopReason reason)
    {
        lock (gate)
        {
            threads.Select(cpu);
            if (awaitsStop)
            {
                awaitsStop = false;
                SendStop(cpu, reason);
            }
            else
            {
                lastStop = StopReply(cpu, reason);
            }
        }
    }

    void SendStop(DebuggedCpu? cpu, StopReason reason)
    {
        lastStop = StopReply(cpu, reason);
        TrySend(lastStop);
    }

    string StopReply(DebuggedCpu? cpu, StopReason reason) =>
        $"T{reason.Signal:x2}{(queries.HasBreakpointReasons || !reason.Details.EndsWith("break:;", StringComparison.Ordinal) ? reason.Details : "")}"
        + (cpu == null ? "" : $"thread:{cpu.Id:x};" + registers.Expedited(cpu.Cpu));

    void TrySend(string packet)
    {
        try
        {
            stream.Send(packet);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The reader notices that the client has gone.
        }
    }

    void Answer(byte[] packet)
    {
        string text = Encoding.Latin1.GetString(packet);
        if (awaitsStop)
        {
            // In all-stop mode the client may only interrupt.
            return;
        }
        string? reply;
        try
        {
            reply = Reply(text, packet);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // A value that the vCPU refuses.
            reply = Error;
        }
        if (reply != null)
        {
            stream.Send(reply);
        }
    }

    /// <summary>The answer to a packet, or null when it comes later or has been sent.</summary>
    string? Reply(string text, byte[] packet) => text switch
    {
        "" => "",
        "?" => ending ?? lastStop,
        "QStartNoAckMode" => StartWithoutAcknowledgement(),
        "D" or ['D', ';', ..] => Detach(),
        "k" or ['v', 'K', 'i', 'l', 'l', ..] => Kill(text),
        "R00" or "!" or "r" => "",
        ['H', ..] => threads.Choose(text),
        ['T', ..] => threads.IsAlive(text),
        ['g' or 'G' or 'p' or 'P', ..] => ending == null ? registers.Reply(text) : Error,
        ['m' or 'M' or 'x' or 'X', ..] => ending == null ? memory.Reply(text, packet, stream) : Error,
        ['Z' or 'z', ..] => ending == null ? breakpoints.Reply(text) : Error,
        ['c' or 'C' or 's' or 'S', ..] => Resume(resumption.TryParse(text)),
        "vCont?" => "vCont;c;C;s;S;r",
        ['v', 'C', 'o', 'n', 't', ';', ..] => Resume(resumption.TryParseThreads(text)),
        ['v', ..] => "",
        ['q' or 'Q', ..] => queries.Reply(text),
        _ => "",
    };

    string? Resume(bool isUnderstood)
    {
        if (!isUnderstood)
        {
            return Error;
        }
        lock (gate)
        {
            if (ending != null)
            {
                return ending;
            }
            awaitsStop = true;
        }
        world.Resume();
        return null;
    }

    string? StartWithoutAcknowledgement()
    {
        stream.Send(Done);
        stream.Acknowledges = false;
        return null;
    }

    string? Detach()
    {
        isOpen = false;
        // Done when the client reads that it is.
        world.Detach();
        return Done;
    }

    string? Kill(string text)
    {
        isOpen = false;
        options.Kill?.Invoke();
        return text == "k" ? null : Done;
    }
}
