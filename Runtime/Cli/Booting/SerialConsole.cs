using FastVcpu.Machine.Devices;

namespace FastVcpu.Cli.Booting;

/// <summary>Standard input and output as the other end of a serial line.</summary>
sealed class SerialConsole : IDisposable
{
    readonly Stream output = Console.OpenStandardOutput();
    readonly byte[] pending = new byte[4096];
    readonly Lock gate = new();
    readonly Timer flusher;
    int count;

    public SerialConsole() => flusher = new Timer(_ => Flush(), null, 20, 20);

    /// <summary>The guest sends a byte.</summary>
    public void Write(byte value)
    {
        lock (gate)
        {
            pending[count++] = value;
            if (count == pending.Length || value == '\n')
            {
                FlushPending();
            }
        }
    }

    /// <summary>From now on what is typed arrives at the port.</summary>
    public void Connect(Uart16550 port) => new Thread(() => Feed(port)) { IsBackground = true, Name = "serial input" }.Start();

    /// <summary>Shows what has been sent so far.</summary>
    public void Flush()
    {
        lock (gate)
        {
            FlushPending();
        }
    }

    public void Dispose()
    {
        flusher.Dispose();
        Flush();
    }

    static void Feed(Uart16550 port)
    {
        using Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[256];
        for (int got; (got = input.Read(buffer)) > 0;)
        {
            foreach (byte value in buffer.AsSpan(0, got))
            {
                while (!port.CanReceive)
                {
                    Thread.Sleep(1);
                }
                port.Receive(value);
            }
        }
    }

    void FlushPending()
    {
        if (count > 0)
        {
            output.Write(pending, 0, count);
            output.Flush();
            count = 0;
        }
    }
}
