using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Memory;

/// <summary>How system calls read and write guest memory: with the guest's permissions, and by copying, so that nothing dangles.</summary>
sealed partial class GuestMemory
{
    /// <summary>The longest path, with its final NUL.</summary>
    public const int MaxPath = 4096;

    /// <summary>How many of the bytes from an address on the guest itself could access.</summary>
    public ulong Accessible(ulong address, ulong size, MemoryProtection needed)
    {
        lock (_lock)
        {
            return AccessibleLocked(address, size, needed);
        }
    }

    /// <summary>Copies out of guest memory. False: the guest could not read all of it (EFAULT).</summary>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        lock (_lock)
        {
            return AccessibleLocked(address, (ulong)destination.Length, MemoryProtection.Read) == (ulong)destination.Length
                && Space.TryRead(address, destination);
        }
    }

    /// <summary>Copies into guest memory. False: the guest could not write all of it (EFAULT).</summary>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            return AccessibleLocked(address, (ulong)source.Length, MemoryProtection.Write) == (ulong)source.Length
                && Space.TryWrite(address, source);
        }
    }

    /// <summary>Reads one value.</summary>
    public bool TryRead<T>(ulong address, out T value) where T : unmanaged
    {
        Unsafe.SkipInit(out value);
        return TryRead(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
    }

    /// <summary>Writes one value.</summary>
    public bool TryWrite<T>(ulong address, T value) where T : unmanaged => TryWrite(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)));

    /// <summary>Changes an aligned word as one operation, as other threads of the guest see it.</summary>
    public bool TryUpdate(ulong address, Func<int, int> change, out int before)
    {
        before = 0;
        lock (_lock)
        {
            if ((address & 3) != 0 || !Space.TryAccess(address, PagePermissions.Read | PagePermissions.Write, out Span<byte> bytes) || bytes.Length < sizeof(int))
            {
                return false;
            }

            ref int word = ref Unsafe.As<byte, int>(ref MemoryMarshal.GetReference(bytes));
            int seen;
            do
            {
                seen = Volatile.Read(ref word);
            }
            while (Interlocked.CompareExchange(ref word, change(seen), seen) != seen);
            before = seen;
            return true;
        }
    }

    /// <summary>Reads a pointer.</summary>
    public bool TryReadWord(ulong address, out ulong value)
    {
        if (Abi.Is64)
        {
            return TryRead(address, out value);
        }

        bool read = TryRead(address, out uint narrow);
        value = narrow;
        return read;
    }

    /// <summary>Reads a C string without its NUL. Returns 0 or a negated error number; <paramref name="tooLong"/> is the one for no NUL in reach.</summary>
    public long ReadString(ulong address, int limit, int tooLong, out byte[] text)
    {
        text = [];
        byte[] buffer = new byte[Math.Min(limit, MaxPath)];
        List<byte>? longText = null;
        lock (_lock)
        {
            for (int total = 0; total < limit;)
            {
                // Up to the end of the page, as the next one need not be there.
                int wanted = (int)Math.Min(PageSize - (address & (PageSize - 1)), (ulong)Math.Min(buffer.Length, limit - total));
                Span<byte> piece = buffer.AsSpan(0, wanted);
                if (AccessibleLocked(address, (ulong)wanted, MemoryProtection.Read) != (ulong)wanted || !Space.TryRead(address, piece))
                {
                    return -Errno.EFAULT;
                }

                int end = piece.IndexOf((byte)0);
                if (end >= 0)
                {
                    text = longText == null ? piece[..end].ToArray() : [.. longText, .. piece[..end]];
                    return 0;
                }

                longText ??= [];
                longText.AddRange(piece);
                address += (ulong)wanted;
                total += wanted;
            }
        }

        return -tooLong;
    }

    ulong AccessibleLocked(ulong address, ulong size, MemoryProtection needed)
    {
        ulong total = 0;
        while (total < size && Space.TryAccess(address + total, (PagePermissions)needed, out Span<byte> piece))
        {
            total += (ulong)piece.Length;
        }

        return Math.Min(total, size);
    }
}
