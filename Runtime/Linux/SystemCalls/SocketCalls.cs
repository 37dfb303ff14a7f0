using System.Buffers;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>Pairs of local sockets, which programs use like pipes. There is no other socket but in the network of a target (<see cref="NetworkCalls"/>).</summary>
static class SocketCalls
{
    const int LocalFamily = 1, Stream = 1, Datagram = 2, SequencedPackets = 5, TypeMask = 0xF;
    const int DontWait = 0x40, NoSignal = 0x4000, Peek = 2;
    const int LargestTransfer = 1 << 18;

    /// <summary>socket: no address family is there, but for a target that is a server.</summary>
    public static long Create(SystemCallContext c)
    {
        OpenFlags flags = (OpenFlags)(c.Int(1) & ~TypeMask);
        bool isThere = c.System.Network != null && (c.Int(1) & TypeMask) == Stream && c.Int(0) is (NetworkSocket.Local or NetworkSocket.Internet or NetworkSocket.Internet6);
        if (!isThere || (flags & ~(OpenFlags.NonBlocking | OpenFlags.CloseOnExec)) != 0)
        {
            return isThere ? -Errno.EINVAL : -Errno.EAFNOSUPPORT;
        }

        ServerSocket socket = new(c.System.Network!, c.Int(0), c.System.NewQueue(), flags & OpenFlags.NonBlocking);
        return c.Process.Descriptors.Add(socket, (flags & OpenFlags.CloseOnExec) != 0);
    }

    public static long CreatePair(SystemCallContext c)
    {
        int type = c.Int(1) & TypeMask;
        OpenFlags flags = (OpenFlags)(c.Int(1) & ~TypeMask);
        if (c.Int(0) != LocalFamily)
        {
            return -Errno.EAFNOSUPPORT;
        }

        if (type is not (Stream or Datagram or SequencedPackets) || (flags & ~(OpenFlags.NonBlocking | OpenFlags.CloseOnExec)) != 0 || c.Int(2) != 0)
        {
            return -Errno.EINVAL;
        }

        if (HostCalls.SocketPair(type, out long error) is not { } ends)
        {
            return error;
        }

        return DescriptorPair.Add(c, c[3], ends.First, ends.Second, "socket", OpenFlags.ReadWrite, OpenFlags.ReadWrite, flags);
    }

    public static long Send(SystemCallContext c)
    {
        if (c.File(0) is NetworkSocket socket)
        {
            return NetworkCalls.Send(c, socket);
        }

        if (c.File(0) is not HostOpenFile { IsSocket: true } file)
        {
            return c.File(0) == null ? -Errno.EBADF : -Errno.ENOTSOCK;
        }

        if ((c.Int(3) & ~(DontWait | NoSignal)) != 0 || c[4] != 0)
        {
            return c[4] != 0 ? -Errno.EISCONN : -Errno.EOPNOTSUPP;
        }

        int size = (int)Math.Min(c[2], LargestTransfer);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            Span<byte> bytes = buffer.AsSpan(0, size);
            if (!c.Memory.TryRead(c[1], bytes))
            {
                return -Errno.EFAULT;
            }

            long result = file.Write(c.Thread, bytes, (c.Int(3) & DontWait) != 0);
            if (result == -Errno.EPIPE && (c.Int(3) & NoSignal) == 0)
            {
                c.Thread.Post(new SignalInfo(Signal.SIGPIPE, SignalInfo.User) { ProcessId = c.Process.Id });
            }

            return result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public static long Receive(SystemCallContext c)
    {
        if (c.File(0) is NetworkSocket socket)
        {
            return NetworkCalls.Receive(c, socket);
        }

        if (c.File(0) is not HostOpenFile { IsSocket: true } file)
        {
            return c.File(0) == null ? -Errno.EBADF : -Errno.ENOTSOCK;
        }

        if ((c.Int(3) & ~(DontWait | Peek | NoSignal)) != 0)
        {
            return -Errno.EOPNOTSUPP;
        }

        int size = (int)Math.Min(c.Memory.Accessible(c[1], Math.Min(c[2], LargestTransfer), MemoryProtection.Write), LargestTransfer);
        if (size == 0 && c[2] != 0)
        {
            return -Errno.EFAULT;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            bool isNonBlocking = file.IsNonBlocking || (c.Int(3) & DontWait) != 0;
            long result = c.Thread.WaitFor(file, Poll.In, isNonBlocking);
            result = result < 0 ? result : HostCalls.Result(Libc.Receive(file.Host, buffer, size, c.Int(3) & Peek | DontWait));
            if (result > 0 && !c.Memory.TryWrite(c[1], buffer.AsSpan(0, (int)result)))
            {
                return -Errno.EFAULT;
            }

            // The other end has no address.
            return result >= 0 && c[5] != 0 && !c.Memory.TryWrite(c[5], 0) ? -Errno.EFAULT : result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public static long Shutdown(SystemCallContext c)
    {
        OpenFile? file = c.File(0);
        if (file is NetworkSocket)
        {
            (file as InputConnection)?.ShutDown(c.Int(1));
            return file is InputConnection ? 0 : -Errno.ENOTCONN;
        }

        return file == null ? -Errno.EBADF : file.Host is { } host ? HostCalls.Result(Libc.Shutdown(host, c.Int(1))) : -Errno.ENOTSOCK;
    }
}
