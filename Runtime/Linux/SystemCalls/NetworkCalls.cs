using System.Buffers;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>What servers do with their sockets, in the network of a target (<see cref="InputNetwork"/>). Elsewhere there are only pairs of sockets, which have nothing of it.</summary>
static class NetworkCalls
{
    const int MostAddress = 128, MostOption = 4, MostVectors = 1024, PieceSize = 1 << 20;
    const OpenFlags AcceptFlags = OpenFlags.NonBlocking | OpenFlags.CloseOnExec;

    public static long Bind(SystemCallContext c)
    {
        if (Find(c, out long error) is not { } socket)
        {
            return error;
        }

        Span<byte> address = stackalloc byte[MostAddress];
        if (c[2] > MostAddress)
        {
            return -Errno.EINVAL;
        }

        address = address[..(int)c[2]];
        return !c.Memory.TryRead(c[1], address) ? -Errno.EFAULT : socket is ServerSocket && socket.TryBind(address) ? 0 : -Errno.EINVAL;
    }

    public static long Listen(SystemCallContext c)
    {
        if (Find(c, out long error) is not ServerSocket server)
        {
            return error != 0 ? error : -Errno.EINVAL;
        }

        server.Listen();
        return 0;
    }

    public static long Accept(SystemCallContext c) => Accept(c, 0);

    public static long Accept4(SystemCallContext c)
    {
        OpenFlags flags = (OpenFlags)c.Int(3);
        return (flags & ~AcceptFlags) != 0 ? -Errno.EINVAL : Accept(c, flags);
    }

    /// <summary>connect: nobody is there.</summary>
    public static long Connect(SystemCallContext c) => Find(c, out long error) switch
    {
        null => error,
        InputConnection => -Errno.EISCONN,
        { Family: NetworkSocket.Local } => -Errno.ENOENT,
        _ => -Errno.ECONNREFUSED,
    };

    public static long GetName(SystemCallContext c) => Find(c, out long error) is { } socket ? WriteAddress(c, socket.Address, c[1], c[2]) : error;

    public static long GetPeer(SystemCallContext c) => Find(c, out long error) switch
    {
        null => error,
        InputConnection connection => WriteAddress(c, connection.PeerAddress, c[1], c[2]),
        _ => -Errno.ENOTCONN,
    };

    public static long SetOption(SystemCallContext c) => Find(c, out long error) != null ? 0 : error;

    public static long GetOption(SystemCallContext c)
    {
        const int socketLevel = 1, type = 3, listens = 30, domain = 39, bufferSize = 212_992, sendBuffer = 7, receiveBuffer = 8;
        if (Find(c, out long error) is not { } socket)
        {
            return error;
        }

        if (!c.Memory.TryRead(c[4], out int size))
        {
            return -Errno.EFAULT;
        }

        int value = c.Int(1) != socketLevel ? 0 : c.Int(2) switch
        {
            type => 1,
            listens => socket is ServerSocket { IsListening: true } ? 1 : 0,
            domain => socket.Family,
            sendBuffer or receiveBuffer => bufferSize,
            _ => 0,
        };
        size = Math.Min(size, MostOption);
        return size < 0 ? -Errno.EINVAL : c.Write(c[3], BitConverter.GetBytes(value).AsSpan(0, size)) < 0 ? -Errno.EFAULT : c.WriteInt(c[4], size);
    }

    /// <summary>sendto on the connection.</summary>
    public static long Send(SystemCallContext c, NetworkSocket socket) => Send(c, socket, [(c[1], c[2])]);

    public static long SendMessage(SystemCallContext c) =>
        Find(c, out long error) is not { } socket ? error : ReadMessage(c, out List<(ulong, ulong)> parts) is var result and < 0 ? result : Send(c, socket, parts);

    /// <summary>recvfrom on the connection, which has no address for each message.</summary>
    public static long Receive(SystemCallContext c, NetworkSocket socket)
    {
        long result = Receive(c, socket, [(c[1], c[2])], c.Int(3));
        return result >= 0 && c[5] != 0 && !c.Memory.TryWrite(c[5], 0) ? -Errno.EFAULT : result;
    }

    public static long ReceiveMessage(SystemCallContext c)
    {
        if (Find(c, out long error) is not { } socket)
        {
            return error;
        }

        long result = ReadMessage(c, out List<(ulong, ulong)> parts);
        result = result < 0 ? result : Receive(c, socket, parts, c.Int(2));
        if (result < 0)
        {
            return result;
        }

        // msg_namelen, msg_controllen and msg_flags.
        ulong word = (ulong)c.Abi.WordSize;
        bool isWritten = c.Abi.Is64 ? c.Memory.TryWrite(c[1] + 5 * word, 0L) : c.Memory.TryWrite(c[1] + 5 * word, 0);
        return isWritten && c.Memory.TryWrite(c[1] + word, 0) && c.Memory.TryWrite(c[1] + 6 * word, 0) ? result : -Errno.EFAULT;
    }

    /// <summary>socketcall of i386: which one it is and where its arguments are.</summary>
    public static long Multiplexed(SystemCallContext c)
    {
        (int Count, Func<SystemCallContext, long> Serve)[] calls =
        [
            (3, SocketCalls.Create), (3, Bind), (3, Connect), (2, Listen), (3, Accept), (3, GetName), (3, GetPeer), (4, SocketCalls.CreatePair), (4, SocketCalls.Send), (4, SocketCalls.Receive),
            (6, SocketCalls.Send), (6, SocketCalls.Receive), (2, SocketCalls.Shutdown), (5, SetOption), (5, GetOption), (3, SendMessage), (3, ReceiveMessage), (4, Accept4),
        ];
        if (c.UInt(0) is 0 or > 18)
        {
            return -Errno.EINVAL;
        }

        (int count, Func<SystemCallContext, long> serve) = calls[c.Int(0) - 1];
        Span<byte> bytes = stackalloc byte[6 * sizeof(uint)];
        if (!c.Memory.TryRead(c[1], bytes[..(count * sizeof(uint))]))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(bytes);
        Span<ulong> arguments = stackalloc ulong[count];
        foreach (ref ulong argument in arguments)
        {
            argument = r.Int();
        }

        c.Shift(arguments);
        return serve(c);
    }

    /// <summary>The socket of a call; otherwise why there is none.</summary>
    static NetworkSocket? Find(SystemCallContext c, out long error)
    {
        OpenFile? file = c.File(0);
        error = file switch
        {
            null => -Errno.EBADF,
            NetworkSocket => 0,
            HostOpenFile { IsSocket: true } => -Errno.EOPNOTSUPP,
            _ => -Errno.ENOTSOCK,
        };
        return file as NetworkSocket;
    }

    static long Accept(SystemCallContext c, OpenFlags flags)
    {
        if (Find(c, out long error) is not ServerSocket { IsListening: true } server)
        {
            return error != 0 ? error : -Errno.EINVAL;
        }

        if (server.Accept(flags & OpenFlags.NonBlocking) is not { } connection)
        {
            // Whoever waits waits for ever.
            return server.IsNonBlocking ? -Errno.EAGAIN : c.Thread.WaitUntil(() => false, GuestThread.Forever) is var result and not -Errno.EINTR ? result : -Errno.ERESTARTSYS;
        }

        long descriptor = c.Process.Descriptors.Add(connection, (flags & OpenFlags.CloseOnExec) != 0);
        return descriptor >= 0 && c[1] != 0 && WriteAddress(c, connection.PeerAddress, c[1], c[2]) is var written and < 0 ? written : descriptor;
    }

    static long WriteAddress(SystemCallContext c, byte[] address, ulong to, ulong sizeAt)
    {
        if (!c.Memory.TryRead(sizeAt, out int size))
        {
            return -Errno.EFAULT;
        }

        return size < 0 ? -Errno.EINVAL : c.Write(to, address.AsSpan(0, Math.Min(size, address.Length))) < 0 ? -Errno.EFAULT : c.WriteInt(sizeAt, address.Length);
    }

    /// <summary>The pieces of memory of a struct msghdr.</summary>
    static long ReadMessage(SystemCallContext c, out List<(ulong Address, ulong Size)> parts)
    {
        parts = [];
        int word = c.Abi.WordSize;
        Span<byte> header = stackalloc byte[4 * sizeof(ulong)];
        if (!c.Memory.TryRead(c[1], header[..(4 * word)]))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(header);
        r.SkipTo(2 * word);
        (ulong vector, ulong count) = (r.Word(), r.Word());
        if (count > MostVectors)
        {
            return -Errno.EINVAL;
        }

        byte[] bytes = new byte[(int)count * 2 * word];
        if (!c.Memory.TryRead(vector, bytes))
        {
            return -Errno.EFAULT;
        }

        r = c.Reader(bytes);
        for (ulong i = 0; i < count; i++)
        {
            parts.Add((r.Word(), r.Word()));
        }

        return parts.Exists(part => c.Abi.Long(part.Size) < 0) ? -Errno.EINVAL : 0;
    }

    static long Send(SystemCallContext c, NetworkSocket socket, List<(ulong Address, ulong Size)> parts)
    {
        const int noSignal = 0x4000;
        ulong size = Math.Min(parts.Aggregate(0UL, (sum, part) => sum + Math.Min(part.Size, int.MaxValue)), int.MaxValue);
        ulong accessible = new Scatter(c.Memory, parts, MemoryProtection.Read).Accessible(size);
        if (accessible == 0 && size > 0)
        {
            return -Errno.EFAULT;
        }

        long result = socket is InputConnection connection ? connection.Write(c.Thread, []) : -Errno.ENOTCONN;
        if (result == -Errno.EPIPE && (c.Int(c.Call.Name == "sendmsg" ? 2 : 3) & noSignal) == 0)
        {
            c.Thread.Post(new SignalInfo(Signal.SIGPIPE, SignalInfo.User) { ProcessId = c.Process.Id });
        }

        return result < 0 ? result : (long)accessible;
    }

    static long Receive(SystemCallContext c, NetworkSocket socket, List<(ulong Address, ulong Size)> parts, int flags)
    {
        const int outOfBand = 1, peek = 2, truncate = 0x20;
        if (socket is not InputConnection connection || (flags & (outOfBand | truncate)) != 0)
        {
            return socket is InputConnection ? -Errno.EINVAL : -Errno.ENOTCONN;
        }

        Scatter scatter = new(c.Memory, parts, MemoryProtection.Write);
        ulong wanted = Math.Min(parts.Aggregate(0UL, (sum, part) => sum + Math.Min(part.Size, int.MaxValue)), PieceSize);
        int size = (int)scatter.Accessible(wanted);
        if (size == 0 && wanted > 0)
        {
            return -Errno.EFAULT;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            long count = connection.Receive(buffer.AsSpan(0, size), (flags & peek) != 0);
            return count > 0 && !scatter.Write(buffer.AsSpan(0, (int)count)) ? -Errno.EFAULT : count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
