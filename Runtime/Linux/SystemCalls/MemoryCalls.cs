using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>mmap and its relatives.</summary>
static class MemoryCalls
{
    const int Shared = 1, Private = 2, SharedValidate = 3, TypeMask = 0xF, Fixed = 0x10, Anonymous = 0x20, Low32 = 0x40, FixedNoReplace = 0x10_0000;
    const ulong PageMask = GuestMemory.PageSize - 1, Below2G = 0x8000_0000;
    const ulong MaxShared = 1 << 30;

    public static long Map(SystemCallContext c) => (c[5] & PageMask) != 0 ? -Errno.EINVAL : Map(c, c[0], c[1], c.Int(2), c.Int(3), c.Int(4), c[5]);

    /// <summary>mmap2 of i386: the offset counts pages.</summary>
    public static long MapPages(SystemCallContext c) => Map(c, c[0], c[1], c.Int(2), c.Int(3), c.Int(4), c[5] * GuestMemory.PageSize);

    /// <summary>The first mmap of i386: the arguments are in memory.</summary>
    public static long MapOld(SystemCallContext c)
    {
        Span<byte> bytes = stackalloc byte[24];
        if (!c.Memory.TryRead(c[0], bytes))
        {
            return -Errno.EFAULT;
        }

        StructReader r = c.Reader(bytes);
        uint address = r.Int(), size = r.Int();
        int protection = (int)r.Int(), flags = (int)r.Int(), descriptor = (int)r.Int();
        uint offset = r.Int();
        return (offset & PageMask) != 0 ? -Errno.EINVAL : Map(c, address, size, protection, flags, descriptor, offset);
    }

    public static long Unmap(SystemCallContext c)
    {
        if (!TryRange(c, c[0], c[1], out ulong size) || size == 0)
        {
            return -Errno.EINVAL;
        }

        c.Memory.Unmap(c[0], size);
        return 0;
    }

    public static long Protect(SystemCallContext c)
    {
        if ((c[0] & PageMask) != 0 || (c.Int(2) & ~(int)MemoryProtection.All) != 0)
        {
            return -Errno.EINVAL;
        }

        if (!TryRange(c, c[0], c[1], out ulong size))
        {
            return -Errno.ENOMEM;
        }

        return size == 0 || c.Memory.Protect(c[0], size, (MemoryProtection)c.Int(2)) ? 0 : -Errno.ENOMEM;
    }

    public static long Remap(SystemCallContext c)
    {
        const int mayMove = 1, isFixed = 2;
        ulong oldSize = RoundUp(c[1]), newSize = RoundUp(c[2]);
        int flags = c.Int(3);
        bool valid = (flags & ~(mayMove | isFixed)) == 0 && ((flags & isFixed) == 0 || (flags & mayMove) != 0);
        if (!valid || (c[0] & PageMask) != 0 || newSize == 0 || newSize < c[2] || oldSize == 0 || !c.Memory.IsUserRange(c[0], oldSize))
        {
            return -Errno.EINVAL;
        }

        if (newSize > c.Memory.Abi.UserLimit)
        {
            return -Errno.ENOMEM;
        }

        if ((flags & isFixed) == 0)
        {
            return c.Memory.Remap(c[0], oldSize, newSize, (flags & mayMove) != 0, null);
        }

        bool overlaps = c[4] < c[0] + oldSize && c[0] < c[4] + newSize;
        return (c[4] & PageMask) != 0 || overlaps || !c.Memory.IsUserRange(c[4], newSize)
            ? -Errno.EINVAL
            : c.Memory.Remap(c[0], oldSize, newSize, true, c[4]);
    }

    public static long Break(SystemCallContext c) => (long)c.Memory.Break(c[0]);

    public static long Advise(SystemCallContext c)
    {
        const int dontNeed = 4, free = 8, remove = 9;
        if (!TryRange(c, c[0], c[1], out ulong size))
        {
            return -Errno.EINVAL;
        }

        return c.Int(2) switch
        {
            // Freed memory may keep its contents until memory is short, which it never is here.
            dontNeed => size == 0 ? 0 : c.Memory.Reset(c[0], size),
            free => 0,
            remove => -Errno.EINVAL,
            < 0 => -Errno.EINVAL,
            _ => 0,
        };
    }

    public static long Synchronize(SystemCallContext c)
    {
        if (!TryRange(c, c[0], c[1], out ulong size))
        {
            return -Errno.EINVAL;
        }

        return size == 0 || c.Memory.Synchronize(c[0], size) ? 0 : -Errno.ENOMEM;
    }

    /// <summary>Which pages are in memory: all that are mapped.</summary>
    public static long InMemory(SystemCallContext c)
    {
        if (!TryRange(c, c[0], c[1], out ulong size) || (c[0] & PageMask) != 0)
        {
            return -Errno.EINVAL;
        }

        ulong pages = size / GuestMemory.PageSize;
        if (c.Memory.IsFree(c[0], size) || !c.Memory.Space.IsMapped(c[0], size))
        {
            return -Errno.ENOMEM;
        }

        byte[] answer = new byte[(int)Math.Min(pages, 1 << 16)];
        answer.AsSpan().Fill(1);
        for (ulong done = 0; done < pages; done += (ulong)answer.Length)
        {
            if (!c.Memory.TryWrite(c[2] + done, answer.AsSpan(0, (int)Math.Min((ulong)answer.Length, pages - done))))
            {
                return -Errno.EFAULT;
            }
        }

        return 0;
    }

    static long Map(SystemCallContext c, ulong address, ulong length, int protectionBits, int flags, int descriptor, ulong offset)
    {
        ulong size = RoundUp(length);
        int type = flags & TypeMask;
        if (length == 0 || type is not (Shared or Private or SharedValidate))
        {
            return -Errno.EINVAL;
        }

        if (size < length || size > c.Memory.Abi.UserLimit)
        {
            return -Errno.ENOMEM;
        }

        bool isFixed = (flags & (Fixed | FixedNoReplace)) != 0;
        if (isFixed && (address & PageMask) != 0)
        {
            return -Errno.EINVAL;
        }

        if (isFixed && !c.Memory.IsUserRange(address, size))
        {
            return -Errno.ENOMEM;
        }

        MemoryProtection protection = (MemoryProtection)protectionBits & MemoryProtection.All;
        OpenFile? file = null;
        if ((flags & Anonymous) == 0)
        {
            file = c.Process.Descriptors[descriptor];
            long error = CheckFile(file, type, protection);
            if (error < 0)
            {
                return error;
            }
        }

        if ((flags & FixedNoReplace) != 0 && !c.Memory.IsFree(address, size))
        {
            return -Errno.EEXIST;
        }

        bool isLow = (flags & Low32) != 0 && c.Abi.Is64;
        ulong place = isFixed ? address : c.Memory.FindFree(size, address & ~PageMask, isLow ? Below2G : ulong.MaxValue);
        if (place == 0 && !isFixed)
        {
            return -Errno.ENOMEM;
        }

        return Show(c, place, size, protection, file, offset, type != Private) ? (long)place : -Errno.ENOMEM;
    }

    static bool Show(SystemCallContext c, ulong place, ulong size, MemoryProtection protection, OpenFile? file, ulong offset, bool isShared)
    {
        if (isShared && size > MaxShared)
        {
            return false;
        }

        if (file == null)
        {
            return isShared
                ? c.Memory.MapShared(place, size, protection, SharedMemory.Anonymous(size), 0, "/dev/zero (deleted)")
                : c.Memory.Map(place, size, protection);
        }

        if (file.Path == "/dev/zero")
        {
            return c.Memory.Map(place, size, protection);
        }

        // A shared mapping that nobody may write looks like a private one.
        return isShared && file.IsWritable
            ? c.Memory.MapShared(place, size, protection, SharedMemory.OfFile(file.Host!, offset, size), offset, file.Path)
            : c.Memory.MapFile(place, size, protection, file.Host!, offset, file.Path);
    }

    static long CheckFile(OpenFile? file, int type, MemoryProtection protection)
    {
        if (file == null)
        {
            return -Errno.EBADF;
        }

        bool isMappable = file is HostOpenFile { IsRegular: true } || file.Path == "/dev/zero";
        if (!isMappable)
        {
            return -Errno.ENODEV;
        }

        bool needsWriting = type != Private && (protection & MemoryProtection.Write) != 0;
        return !file.IsReadable || needsWriting && !file.IsWritable ? -Errno.EACCES : 0;
    }

    static bool TryRange(SystemCallContext c, ulong address, ulong length, out ulong size)
    {
        size = RoundUp(length);
        return (address & PageMask) == 0 && size >= length && c.Memory.IsUserRange(address, size);
    }

    static ulong RoundUp(ulong value) => (value + PageMask) & ~PageMask;
}
