using System.Collections.Concurrent;
using System.Text;

namespace FastVcpu.Machine.Devices;

/// <summary>Connects a serial port to streams: a terminal, a file, a socket.</summary>
public sealed class SerialLine : IDisposable
{
    const int FlushInterval = 20, BufferSize = 4096, MostWaiting = 1 << 16;

    readonly Stream input, output;
    readonly byte[] pending = new byte[BufferSize];
    readonly Lock gate = new();
    readonly Timer flusher;
    readonly ConcurrentQueue<byte> waiting = new();
    readonly SemaphoreSlim room = new(MostWaiting);
    Func<byte, bool>? filter;
    int count;

    /// <summary>Creates a line.</summary>
    /// <param name="input">What arrives at the port; <see cref="Stream.Null"/> for nothing.</param>
    /// <param name="output">What the port sends.</param>
    public SerialLine(Stream input, Stream output)
    {
        this.input = input;
        this.output = output;
        flusher = new Timer(_ => Flush(), null, FlushInterval, FlushInterval);
    }

    /// <summary>The guest has sent something.</summary>
    public bool HasSent { get; private set; }

    /// <summary>The port sends a byte.</summary>
    public void Write(byte value)
    {
        lock (gate)
        {
            HasSent = true;
            pending[count++] = value;
            if (count == pending.Length || value == '\n')
            {
                FlushPending();
            }
        }
    }

    /// <summary>Shows text that the port has not sent.</summary>
    public void Write(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            Write(value);
        }
        Flush();
    }

    /// <summary>From now on what the stream has arrives at the port.</summary>
    /// <param name="port">The port.</param>
    /// <param name="takes">Sees each byte first and says whether it takes it for itself; null: all are for the port.</param>
    public void Connect(Uart16550 port, Func<byte, bool>? takes = null)
    {
        ArgumentNullException.ThrowIfNull(port);
        filter = takes;
        port.Source = () =>
        {
            if (!waiting.TryDequeue(out byte value))
            {
                return null;
            }
            room.Release();
            return value;
        };
        new Thread(() => Feed(port)) { IsBackground = true, Name = "serial input" }.Start();
    }

    /// <summary>From now on the port reads the stream whenever it has room, which waits until the stream has something: for files, and for runs that always go the same way.</summary>
    /// <param name="port">The port.</param>
    public void ConnectInStep(Uart16550 port)
    {
        ArgumentNullException.ThrowIfNull(port);
        port.Source = () => input.ReadByte() is var value and >= 0 ? (byte)value : null;
    }

    /// <summary>Shows what has been sent so far.</summary>
    public void Flush()
    {
        lock (gate)
        {
            FlushPending();
        }
    }

    /// <summary>Sends what waits, and leaves the streams open.</summary>
    public void Dispose()
    {
        flusher.Dispose();
        Flush();
    }

    void Feed(Uart16550 port)
    {
        byte[] buffer = new byte[256];
        try
        {
            for (int got; (got = input.Read(buffer)) > 0;)
            {
                foreach (byte value in buffer.AsSpan(0, got))
                {
                    if (filter?.Invoke(value) != true)
                    {
                        room.Wait();
                        waiting.Enqueue(value);
                    }
                }
                port.DataArrived();
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The other end is gone; nothing more arrives.
        }
    }

    void FlushPending()
    {
        if (count == 0)
        {
            return;
        }
        try
        {
            output.Write(pending, 0, count);
            output.Flush();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Nobody is at the other end; what is sent is lost, as on a line that is not connected.
        }
        count = 0;
    }
}
