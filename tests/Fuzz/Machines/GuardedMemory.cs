using System.Buffers;
using System.Runtime.InteropServices;

namespace FastVcpu.Fuzz.Machines;

/// <summary>Memory for a guest between pages that nobody may touch: an access beyond either end stops the program at once. Where there is no mmap, it is plain memory.</summary>
sealed unsafe partial class GuardedMemory : MemoryManager<byte>
{
    const int PageSize = 4096, NoAccess = 0, ReadWrite = 3, PrivateAnonymous = 0x22;

    readonly int size;
    byte* start;
    readonly void* allocation;

    public GuardedMemory(int size)
    {
        this.size = size;
        if (!OperatingSystem.IsLinux())
        {
            allocation = NativeMemory.AlignedAlloc((nuint)size, PageSize);
            start = (byte*)allocation;
            return;
        }
        allocation = Map(null, (nuint)(size + 2 * PageSize), NoAccess, PrivateAnonymous, -1, 0);
        start = (byte*)allocation + PageSize;
        if ((nint)allocation == -1 || Protect(start, (nuint)size, ReadWrite) != 0)
        {
            throw new OutOfMemoryException();
        }
    }

    public override Span<byte> GetSpan() => new(start, size);

    public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex, default, this);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (start == null)
        {
            return;
        }
        start = null;
        if (OperatingSystem.IsLinux())
        {
            Unmap(allocation, (nuint)(size + 2 * PageSize));
        }
        else
        {
            NativeMemory.AlignedFree(allocation);
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
