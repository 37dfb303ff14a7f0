using System.Buffers;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>read, write and their relatives. Data goes through a buffer of the host, piece by piece.</summary>
static class ReadWriteCalls
{
    const int PieceSize = 1 << 18, MaxVectors = 1024;

    /// <summary>The most a call transfers (MAX_RW_COUNT).</summary>
    const ulong MaxTransfer = 0x7FFF_F000;

    const long NoOffset = -1;

    public static long Read(SystemCallContext c) => Transfer(c, c.File(0), [(c[1], c[2])], NoOffset, isWrite: false);

    public static long Write(SystemCallContext c) => Transfer(c, c.File(0), [(c[1], c[2])], NoOffset, isWrite: true);

    public static long ReadAt(SystemCallContext c) => At(c, [(c[1], c[2])], c.Wide(3), isWrite: false);

    public static long WriteAt(SystemCallContext c) => At(c, [(c[1], c[2])], c.Wide(3), isWrite: true);

    public static long ReadVector(SystemCallContext c) => Vector(c, NoOffset, isWrite: false);

    public static long WriteVector(SystemCallContext c) => Vector(c, NoOffset, isWrite: true);

    public static long ReadVectorAt(SystemCallContext c) => VectorAt(c, isWrite: false);

    public static long WriteVectorAt(SystemCallContext c) => VectorAt(c, isWrite: true);

    public static long ReadVectorAt2(SystemCallContext c) => c.Wide(3) == -1 ? ReadVector(c) : VectorAt(c, isWrite: false);

    public static long WriteVectorAt2(SystemCallContext c) => c.Wide(3) == -1 ? WriteVector(c) : VectorAt(c, isWrite: true);

    public static long Seek(SystemCallContext c) => c.File(0)?.Seek(c.Long(1), c.Int(2)) switch
    {
        null => -Errno.EBADF,
        > int.MaxValue when !c.Abi.Is64 => -Errno.EOVERFLOW,
        long position => position,
    };

    /// <summary>_llseek of i386: the result goes to memory.</summary>
    public static long SeekWide(SystemCallContext c)
    {
        long offset = (long)(c[1] << 32 | c[2]);
        long position = c.File(0)?.Seek(offset, c.Int(4)) ?? -Errno.EBADF;
        return position < 0 ? position : c.Memory.TryWrite(c[3], position) ? 0 : -Errno.EFAULT;
    }

    /// <summary>sendfile: the offset is a long, or 64 bits in sendfile64.</summary>
    public static long SendFile(SystemCallContext c) => SendFile(c, c.Abi.Is64);

    public static long SendFile64(SystemCallContext c) => SendFile(c, true);

    public static long CopyRange(SystemCallContext c)
    {
        OpenFile? source = c.File(0), target = c.File(2);
        if (source == null || target == null)
        {
            return -Errno.EBADF;
        }

        long from = NoOffset, to = NoOffset;
        if (c[5] != 0 || c[1] != 0 && !c.Memory.TryRead(c[1], out from) || c[3] != 0 && !c.Memory.TryRead(c[3], out to))
        {
            return c[5] != 0 ? -Errno.EINVAL : -Errno.EFAULT;
        }

        long copied = Copy(c, source, ref from, target, ref to, c[4]);
        if (copied > 0 && (c[1] != 0 && !c.Memory.TryWrite(c[1], from) || c[3] != 0 && !c.Memory.TryWrite(c[3], to)))
        {
            return -Errno.EFAULT;
        }

        return copied;
    }

    static long SendFile(SystemCallContext c, bool isWide)
    {
        OpenFile? target = c.File(0), source = c.File(1);
        if (source == null || target == null || !source.IsReadable || !target.IsWritable)
        {
            return -Errno.EBADF;
        }

        long offset = NoOffset, none = NoOffset;
        if (c[2] != 0)
        {
            int narrow = 0;
            if (isWide ? !c.Memory.TryRead(c[2], out offset) : !c.Memory.TryRead(c[2], out narrow))
            {
                return -Errno.EFAULT;
            }

            offset = isWide ? offset : narrow;
        }

        long sent = Copy(c, source, ref offset, target, ref none, c[3]);
        if (c[2] != 0 && sent >= 0 && !(isWide ? c.Memory.TryWrite(c[2], offset) : c.Memory.TryWrite(c[2], (int)offset)))
        {
            return -Errno.EFAULT;
        }

        return sent;
    }

    /// <summary>Copies between files; offsets of -1 stand for the files' own positions, others move on.</summary>
    static long Copy(SystemCallContext c, OpenFile source, ref long from, OpenFile target, ref long to, ulong size)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            long total = 0;
            while ((ulong)total < size)
            {
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(size - (ulong)total, PieceSize));
                long count = from < 0 ? source.Read(c.Thread, piece) : source.ReadAt(piece, from);
                if (count <= 0)
                {
                    return total > 0 ? total : count;
                }

                long written = to < 0 ? target.Write(c.Thread, piece[..(int)count]) : target.WriteAt(piece[..(int)count], to);
                if (written < 0)
                {
                    return total > 0 ? total : WriteError(c, written);
                }

                from += from < 0 ? 0 : written;
                to += to < 0 ? 0 : written;
                total += written;
            }

            return total;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static long At(SystemCallContext c, List<(ulong Address, ulong Size)> parts, long offset, bool isWrite) =>
        offset < 0 ? -Errno.EINVAL : Transfer(c, c.File(0), parts, offset, isWrite);

    static long VectorAt(SystemCallContext c, bool isWrite) => c.Wide(3) < 0 ? -Errno.EINVAL : Vector(c, c.Wide(3), isWrite);

    static long Vector(SystemCallContext c, long offset, bool isWrite)
    {
        int count = c.Int(2);
        if (count is < 0 or > MaxVectors)
        {
            return -Errno.EINVAL;
        }

        byte[] bytes = new byte[count * 2 * c.Abi.WordSize];
        if (!c.Memory.TryRead(c[1], bytes))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(bytes);
        List<(ulong Address, ulong Size)> parts = new(count);
        for (int i = 0; i < count; i++)
        {
            parts.Add((r.Word(), r.Word()));
        }

        return parts.Exists(part => c.Abi.Long(part.Size) < 0) ? -Errno.EINVAL : Transfer(c, c.File(0), parts, offset, isWrite);
    }

    static long Transfer(SystemCallContext c, OpenFile? file, List<(ulong Address, ulong Size)> parts, long offset, bool isWrite)
    {
        if (file == null || (isWrite ? !file.IsWritable : !file.IsReadable && file is not VirtualDirectoryFile))
        {
            return -Errno.EBADF;
        }

        if (file.Directory != null)
        {
            return -Errno.EISDIR;
        }

        ulong wanted = Math.Min(parts.Aggregate(0UL, (sum, part) => sum + Math.Min(part.Size, MaxTransfer)), MaxTransfer);
        if (wanted == 0 && file.MayWait)
        {
            return 0;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, PieceSize));
        try
        {
            return isWrite ? WriteParts(c, file, parts, wanted, offset, buffer) : ReadParts(c, file, parts, wanted, offset, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static long ReadParts(SystemCallContext c, OpenFile file, List<(ulong Address, ulong Size)> parts, ulong wanted, long offset, byte[] buffer)
    {
        Scatter scatter = new(c.Memory, parts, MemoryProtection.Write);
        long total = 0;
        do
        {
            // What cannot be stored is not read, so that nothing is lost.
            ulong possible = scatter.Accessible(Math.Min(wanted - (ulong)total, (ulong)buffer.Length));
            if (possible == 0 && wanted > (ulong)total)
            {
                return total > 0 ? total : -Errno.EFAULT;
            }

            Span<byte> piece = buffer.AsSpan(0, (int)possible);
            long count = offset < 0 ? file.Read(c.Thread, piece) : file.ReadAt(piece, offset + total);
            if (count < 0 || count > 0 && !scatter.Write(piece[..(int)count]))
            {
                return total > 0 ? total : count < 0 ? count : -Errno.EFAULT;
            }

            total += count;
            if (count < piece.Length || file.MayWait)
            {
                break;
            }
        }
        while ((ulong)total < wanted);

        return total;
    }

    static long WriteParts(SystemCallContext c, OpenFile file, List<(ulong Address, ulong Size)> parts, ulong wanted, long offset, byte[] buffer)
    {
        Scatter scatter = new(c.Memory, parts, MemoryProtection.Read);
        long total = offset < 0 ? c.Thread.Progress : 0;
        scatter.Skip((ulong)total);
        do
        {
            ulong possible = scatter.Accessible(Math.Min(wanted - (ulong)total, (ulong)buffer.Length));
            Span<byte> piece = buffer.AsSpan(0, (int)possible);
            if (possible == 0 && wanted > (ulong)total || !scatter.Read(piece))
            {
                return total > 0 ? total : -Errno.EFAULT;
            }

            long count = offset < 0 ? file.Write(c.Thread, piece) : file.WriteAt(piece, offset + total);
            if (count == -Errno.EWAIT)
            {
                c.Thread.Progress = total;
                return count;
            }

            if (count < 0)
            {
                return total > 0 ? total : WriteError(c, count);
            }

            total += count;
            if (count < piece.Length)
            {
                // The rest of what may wait is for the next turn.
                if (count == 0 || c.System.Turns == null || !file.MayWait || file.IsNonBlocking || offset >= 0)
                {
                    break;
                }

                scatter = new(c.Memory, parts, MemoryProtection.Read);
                scatter.Skip((ulong)total);
            }
        }
        while ((ulong)total < wanted);

        return total;
    }

    static long WriteError(SystemCallContext c, long error)
    {
        if (error == -Errno.EPIPE)
        {
            c.Thread.Post(new SignalInfo(Signal.SIGPIPE, SignalInfo.User) { ProcessId = c.Process.Id });
        }

        return error;
    }
}
