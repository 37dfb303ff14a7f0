using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Memory;

/// <summary>
/// Memory that several guest processes see: MAP_SHARED. With a file behind it, what the guest changed is written back at msync and when the
/// last mapping goes. (The host's own shared mappings are not used: a file that shrinks would kill the host with SIGBUS.)
/// </summary>
sealed class SharedMemory
{
    readonly Memory<byte> _memory;
    readonly HostFile? _file;
    readonly long _fileOffset;
    readonly byte[] _original;

    SharedMemory(int size, HostFile? file, long fileOffset)
    {
        byte[] pinned = GC.AllocateArray<byte>(size + (int)AddressSpace.PageSize, pinned: true);
        int start = (int)(-(long)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0) & (long)(AddressSpace.PageSize - 1));
        _memory = pinned.AsMemory(start, size);
        _file = file;
        _fileOffset = fileOffset;
        _original = [];
        if (file != null)
        {
            Files.FileReader.Read(file, fileOffset, _memory.Span);
            _original = _memory.ToArray();
        }
    }

    /// <summary>Zeroed memory.</summary>
    public static SharedMemory Anonymous(ulong size) => new((int)size, null, 0);

    /// <summary>The contents of a file, written back through a duplicate of its descriptor.</summary>
    public static SharedMemory OfFile(HostFile file, ulong offset, ulong size) => new((int)size, HostCalls.Duplicate(file.Descriptor), (long)offset);

    /// <summary>A file gets what is written.</summary>
    public bool HasFile => _file != null;

    public int Size => _memory.Length;

    public Span<byte> Contents => _memory.Span;

    /// <summary>Whether a mapping of these file bytes lies inside.</summary>
    public bool Covers(ulong offset, ulong size) => (long)offset >= _fileOffset && offset + size <= (ulong)_fileOffset + (ulong)_memory.Length;

    /// <summary>The bytes that a mapping of <paramref name="size"/> bytes from file offset <paramref name="offset"/> on shows.</summary>
    public Memory<byte> Slice(ulong offset, ulong size) => _memory.Slice((int)((long)offset - _fileOffset), (int)size);

    /// <summary>Writes changed pages to the file; what lies behind its end is not written, as for a real mapping.</summary>
    public void WriteBack()
    {
        if (_file == null || HostCalls.Stat(_file, out HostStatx stat) < 0)
        {
            return;
        }

        int size = (int)Math.Clamp((long)stat.Size - _fileOffset, 0, _memory.Length);
        for (int start = 0; start < size; start += (int)AddressSpace.PageSize)
        {
            Span<byte> page = _memory.Span[start..Math.Min(size, start + (int)AddressSpace.PageSize)];
            Span<byte> known = _original.AsSpan(start, page.Length);
            if (!page.SequenceEqual(known))
            {
                page.CopyTo(known);
                HostCalls.WriteAt(_file, known, _fileOffset + start);
            }
        }
    }
}
