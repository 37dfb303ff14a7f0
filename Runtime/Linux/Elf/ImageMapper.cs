using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Elf;

/// <summary>Maps the segments of an ELF image.</summary>
static class ImageMapper
{
    const ulong PageMask = AddressSpace.PageSize - 1;

    /// <summary>Maps an image. Returns 0 or a negated error number.</summary>
    /// <param name="memory">The memory of the new program.</param>
    /// <param name="file">The file.</param>
    /// <param name="image">Its checked headers.</param>
    /// <param name="name">The file's name in /proc/self/maps.</param>
    /// <param name="bias">What is added to the addresses in the file.</param>
    public static long Map(GuestMemory memory, HostFile file, ElfImage image, string name, ulong bias)
    {
        foreach (ElfSegment segment in image.Segments)
        {
            ulong start = (segment.Address + bias) & ~PageMask;
            ulong fileEnd = segment.Address + bias + segment.FileSize;
            ulong end = segment.Address + bias + segment.MemorySize;
            ulong filePages = segment.FileSize == 0 ? 0 : RoundUp(fileEnd) - start;
            ulong allPages = RoundUp(end) - start;
            ulong offset = segment.FileOffset & ~PageMask;
            if (filePages > 0 && !memory.MapFile(start, filePages, segment.Protection, file, offset, name))
            {
                return -Errno.ENOMEM;
            }

            if (allPages > filePages && !memory.Map(start + filePages, allPages - filePages, segment.Protection))
            {
                return -Errno.ENOMEM;
            }

            // The last page of the file part also holds bytes that follow it in the file.
            ulong tail = start + filePages - fileEnd;
            if (filePages > 0 && end > fileEnd && tail > 0 && !memory.Space.TryWrite(fileEnd, new byte[tail]))
            {
                return -Errno.ENOMEM;
            }
        }

        return 0;
    }

    static ulong RoundUp(ulong value) => (value + PageMask) & ~PageMask;
}
