namespace FastVcpu.Machine.Boot;

/// <summary>What the header of a Multiboot 2 kernel asks for (specification 2.0, 3.1).</summary>
sealed class Multiboot2Header
{
    const uint Magic = 0xE85250D6, ProtectedMode = 0;
    const int Alignment = 8, FixedSize = 16, TagHeaderSize = 8;
    const ushort End = 0, Information = 1, Addresses = 2, EntryAddress = 3, Console = 4, FrameBuffer = 5, Modules = 6, FirmwareServices = 7, FirmwareEntry32 = 8, FirmwareEntry64 = 9, Relocatable = 10;
    const ushort IsOptional = 1;

    /// <summary>How far from the beginning of a file on the header may lie.</summary>
    public const int SearchedBytes = 32768;

    Multiboot2Header()
    {
    }

    /// <summary>Where the image lies in file and memory, when the header says so.</summary>
    public (uint Header, uint Load, uint LoadEnd, uint BssEnd)? Image { get; private set; }

    /// <summary>The entry, when the header names one.</summary>
    public uint? Entry { get; private set; }

    /// <summary>Offset of the header in a file, or −1.</summary>
    public static int Find(ReadOnlySpan<byte> file)
    {
        for (int at = 0; at + FixedSize <= Math.Min(file.Length, SearchedBytes); at += Alignment)
        {
            if (BootMemory.Field(file, at) == Magic && Magic + BootMemory.Field(file, at + 4) + BootMemory.Field(file, at + 8) + BootMemory.Field(file, at + 12) == 0)
            {
                return at;
            }
        }
        return -1;
    }

    /// <summary>Reads the header.</summary>
    /// <param name="file">The kernel.</param>
    /// <param name="at">Where its header is.</param>
    /// <param name="offered">The information that the loader has, by type of tag.</param>
    public static Multiboot2Header Read(ReadOnlySpan<byte> file, int at, ReadOnlySpan<uint> offered)
    {
        uint architecture = BootMemory.Field(file, at + 4), length = BootMemory.Field(file, at + 8);
        if (architecture != ProtectedMode)
        {
            throw new BootException($"The kernel's Multiboot 2 header is for architecture {architecture}, not for x86.");
        }
        if (length < FixedSize || length > file.Length - at)
        {
            throw new BootException("The kernel ends within its Multiboot 2 header.");
        }
        ReadOnlySpan<byte> tags = file.Slice(at + FixedSize, (int)length - FixedSize);
        Multiboot2Header header = new();
        while (tags.Length >= TagHeaderSize)
        {
            uint size = BootMemory.Field(tags, 4);
            if (size < TagHeaderSize || size > tags.Length)
            {
                throw new BootException("A tag of the kernel's Multiboot 2 header does not lie in the header.");
            }
            ushort type = BootMemory.Word(tags, 0);
            if (type == End)
            {
                break;
            }
            header.Take(type, (BootMemory.Word(tags, 2) & IsOptional) != 0, tags[..(int)size], offered);
            tags = tags[Math.Min(tags.Length, (int)(size + Alignment - 1) & ~(Alignment - 1))..];
        }
        return header;
    }

    void Take(ushort type, bool isOptional, ReadOnlySpan<byte> tag, ReadOnlySpan<uint> offered)
    {
        switch (type)
        {
            case Information when !isOptional:
                for (int at = TagHeaderSize; at + sizeof(uint) <= tag.Length; at += sizeof(uint))
                {
                    if (!offered.Contains(BootMemory.Field(tag, at)))
                    {
                        throw new BootException($"The kernel's Multiboot 2 header needs information of type {BootMemory.Field(tag, at)}, which this loader does not have.");
                    }
                }
                break;
            case Addresses:
                Image = (BootMemory.Field(tag, 8), BootMemory.Field(tag, 12), BootMemory.Field(tag, 16), BootMemory.Field(tag, 20));
                break;
            case EntryAddress:
                Entry = BootMemory.Field(tag, 8);
                break;
            case FrameBuffer when !isOptional && BootMemory.Field(tag, 16) != 0:
                throw new BootException("The kernel's Multiboot 2 header needs a graphics screen; the machine has one for text only.");
            case Information or Console or FrameBuffer or Modules or Relocatable:
            // Modules begin at pages always; a kernel that may be moved may also stay; there is no EFI whose entries could be used.
            case FirmwareServices or FirmwareEntry32 or FirmwareEntry64:
                break;
            default:
                if (!isOptional)
                {
                    throw new BootException($"The kernel's Multiboot 2 header needs a feature of type {type}, which this loader does not have.");
                }
                break;
        }
    }
}
