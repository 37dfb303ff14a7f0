using System.Net;
using System.Net.Sockets;
using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb;

/// <summary>
/// Lets gdb debug vCPUs over its remote serial protocol. The embedder keeps its threads and its loop; it calls <see cref="Run"/> in the place of
/// <see cref="Vcpu.Run"/>, and that returns what the debugger leaves to it. One client at a time; when it goes, the guest runs on and another may come.
/// </summary>
public sealed class GdbServer : IDisposable
{
    readonly GdbOptions options;
    readonly World world;
    readonly Lock gate = new();
    Socket? listener;
    string? socketPath;
    Session? session;
    string? ending;
    bool isDisposed;

    /// <summary>Creates a server that does not listen yet.</summary>
    /// <param name="options">What it debugs.</param>
    public GdbServer(GdbOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options;
        world = new World(options);
    }

    /// <summary>Where the server listens, once it does.</summary>
    public EndPoint? EndPoint => listener?.LocalEndPoint;

    /// <summary>How many vCPUs have come to be run.</summary>
    internal int ThreadCount => world.Cpus.Count;

    /// <summary>Reads where to listen: a port of the loopback interface (<c>1234</c> or <c>:1234</c>), <c>address:port</c>, or the path of a Unix socket.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static EndPoint Parse(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        if (ushort.TryParse(text.StartsWith(':') ? text[1..] : text, out ushort port))
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }
        if (text.Contains('/', StringComparison.Ordinal))
        {
            return new UnixDomainSocketEndPoint(text);
        }
        return IPEndPoint.TryParse(text, out IPEndPoint? address) && text.Contains(':', StringComparison.Ordinal)
            ? address
            : throw new FormatException($"'{text}' is not a port, an address with a port, or the path of a socket.");
    }

    /// <summary>Listens for clients.</summary>
    /// <param name="endPoint">Where: see <see cref="Parse"/>. An existing socket of the same path is replaced.</param>
    /// <exception cref="ArgumentException">An address that is not loopback, without <see cref="GdbOptions.AllowRemote"/>.</exception>
    /// <exception cref="SocketException">It is not free.</exception>
    public void Listen(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is IPEndPoint { Address: var address } && !IPAddress.IsLoopback(address) && !options.AllowRemote)
        {
            throw new ArgumentException($"{endPoint} can be reached from other machines, which is not allowed.", nameof(endPoint));
        }
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            if (endPoint is UnixDomainSocketEndPoint)
            {
                socketPath = endPoint.ToString()!;
                File.Delete(socketPath);
            }
            socket.Bind(endPoint);
            socket.Listen(1);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        listener = socket;
        new Thread(Accept) { IsBackground = true, Name = "gdb" }.Start();
    }

    /// <summary>Serves one client on streams, such as standard input and output, on a thread of its own.</summary>
    /// <param name="input">What the client sends.</param>
    /// <param name="output">What it gets.</param>
    public void Serve(Stream input, Stream output) => new Thread(() => ServeClient(input, output)) { IsBackground = true, Name = "gdb" }.Start();

    /// <summary>
    /// Runs a vCPU as the debugger wants it: waits while it is stopped, and returns the exits that are the embedder's. Each vCPU is called on
    /// one thread, different ones on different threads.
    /// </summary>
    /// <param name="cpu">The vCPU; its guest-debug setting belongs to the debugger.</param>
    /// <param name="instructions">The most instructions to retire.</param>
    public VcpuExit Run(Vcpu cpu, long instructions = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (world.Find(cpu) is not { } debugged)
        {
            // Another process of the guest.
            return cpu.Run(instructions);
        }
        long retired = 0;
        while (true)
        {
            world.Enter(debugged);
            VcpuExit exit = default;
            try
            {
                exit = cpu.Run(instructions - retired);
            }
            finally
            {
                world.Leave(debugged, exit.Reason == ExitReason.Debug);
            }
            retired += exit.InstructionsRetired;
            if (ExitFilter.IsForEmbedder(world, debugged, exit))
            {
                return exit with { InstructionsRetired = retired };
            }
        }
    }

    /// <summary>The vCPU will not run any more. Waits while the client may be looking at it.</summary>
    /// <param name="cpu">The vCPU.</param>
    public void Remove(Vcpu cpu) => world.Remove(cpu);

    /// <summary>A signal is about to be handled by the guest: tells the client, which may stop there and choose another one.</summary>
    /// <param name="cpu">The vCPU of the thread that handles it; called on its thread, outside of <see cref="Run"/>.</param>
    /// <param name="signal">Linux' number of the signal.</param>
    /// <returns>The signal that the guest is to get; 0: none.</returns>
    public int FilterSignal(Vcpu cpu, int signal)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        int number = LinuxSignals.ToGdb(signal);
        if (!world.IsAttached || world.PassedSignals.Contains(number) || world.Find(cpu) is not { } debugged)
        {
            return signal;
        }
        world.StopAt(debugged, new StopReason(number));
        return !world.IsAttached || debugged.Signal == number ? signal : LinuxSignals.ToLinux(debugged.Signal);
    }

    /// <summary>The guest is about to end: vCPUs that the client has not resumed go on with the others, so that their threads can end. Does not wait.</summary>
    public void ReleaseAll() => world.ReleaseAll();

    /// <summary>A vCPU of another process has got a copy of the debugged memory: takes the breakpoints out of it.</summary>
    /// <param name="cpu">The vCPU, before it runs.</param>
    public void EraseBreakpoints(Vcpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        world.EraseCopies(cpu);
    }

    /// <summary>The guest has ended: tells the client.</summary>
    /// <param name="status">Its exit status.</param>
    public void Exited(int status) => End($"W{status & 0xFF:x2}");

    /// <summary>The guest has been ended by a signal: tells the client.</summary>
    /// <param name="signal">Linux' number of the signal.</param>
    public void Killed(int signal) => End($"X{LinuxSignals.ToGdb(signal) & 0xFF:x2}");

    /// <summary>Stops listening and drops the client.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            listener?.Dispose();
            session?.Close();
        }
        if (socketPath != null)
        {
            File.Delete(socketPath);
        }
    }

    void End(string packet)
    {
        lock (gate)
        {
            world.HasEnded = true;
            ending = packet;
            session?.End(packet);
        }
    }

    void Accept()
    {
        while (true)
        {
            try
            {
                using Socket client = listener!.Accept();
                if (client.ProtocolType == ProtocolType.Tcp)
                {
                    client.NoDelay = true;
                }
                using NetworkStream stream = new(client);
                ServeClient(stream, stream);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                if (isDisposed)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Serves one client on this thread, until it goes.</summary>
    internal void ServeClient(Stream input, Stream output)
    {
        Session current = new(world, options, new PacketStream(input, output), output.Close);
        lock (gate)
        {
            if (isDisposed)
            {
                return;
            }
            session = current;
            if (ending != null)
            {
                current.End(ending);
            }
        }
        current.Serve();
        lock (gate)
        {
            session = null;
        }
    }
}
