using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>The connection of an <see cref="InputNetwork"/>: the input can be read from it, then comes the end; what is written is dropped. Nobody ever waits for it.</summary>
sealed class InputConnection : NetworkSocket
{
    readonly HostFile _input;
    long _position;
    bool _isReadingOver, _isWritingOver;

    public InputConnection(HostFile input, ServerSocket server, OpenFlags flags)
        : base(server.Family, ConnectionNumber, flags)
    {
        (_input, Address) = (input, server.Address);
        Show(true);
    }

    /// <summary>Its inode: no other socket of a run has it.</summary>
    const int ConnectionNumber = int.MaxValue;

    /// <summary>The end has been read, or nothing is to be read any more.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Bytes that can be read.</summary>
    public long Remaining => _isReadingOver || HostCalls.Stat(_input, out HostStatx stat) < 0 ? 0 : Math.Max(0, (long)stat.Size - _position);

    public override long Read(GuestThread thread, Span<byte> buffer) => Receive(buffer, keeps: false);

    public override long Write(GuestThread thread, ReadOnlySpan<byte> buffer) => _isWritingOver ? -Errno.EPIPE : buffer.Length;

    /// <summary>Reads; what is kept can be read again (MSG_PEEK).</summary>
    public long Receive(Span<byte> buffer, bool keeps)
    {
        long count = _isReadingOver ? 0 : HostCalls.ReadAt(_input, buffer, _position);
        _position += keeps ? 0 : Math.Max(0, count);
        IsAtEnd |= count == 0 && buffer.Length > 0;
        return count;
    }

    /// <summary>SHUT_RD, SHUT_WR or SHUT_RDWR.</summary>
    public void ShutDown(int how)
    {
        _isReadingOver |= how != 1;
        _isWritingOver |= how != 0;
        IsAtEnd |= _isReadingOver;
    }
}
