using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Elf;

/// <summary>Reads and checks the headers of an ELF program. Whatever the file says, the result is an image or one sentence.</summary>
static class ElfParser
{
    const int HeaderSize32 = 52, HeaderSize64 = 64, ProgramHeaderSize32 = 32, ProgramHeaderSize64 = 56;
    const int TypeExecutable = 2, TypeDynamic = 3, Machine386 = 3, MachineAmd64 = 62;
    const uint Load = 1, Interpreter = 3, ProgramHeaders = 6, GnuStack = 0x6474E551;
    const int MaxInterpreterPath = 4096;

    /// <summary>As much as the kernel accepts.</summary>
    const int MaxHeadersSize = 65536;

    /// <summary>Parses a file.</summary>
    /// <param name="read">Access to the file.</param>
    /// <param name="error">What is wrong, as the end of a sentence, when the result is null.</param>
    public static ElfImage? Parse(ReadAt read, out string error)
    {
        Span<byte> header = stackalloc byte[HeaderSize64];
        int available = read(0, header);
        if (available < 4 || BinaryPrimitives.ReadUInt32BigEndian(header) != 0x7F454C46)
        {
            error = "is not an ELF program";
            return null;
        }

        if (available < 20)
        {
            error = "ends within its ELF header";
            return null;
        }

        bool is64 = header[4] == 2;
        int machine = BinaryPrimitives.ReadUInt16LittleEndian(header[18..]);
        if (header[4] is not (1 or 2) || header[5] != 1 || machine != (is64 ? MachineAmd64 : Machine386))
        {
            error = "is an ELF file, but not for i386 or x86-64";
            return null;
        }

        int type = BinaryPrimitives.ReadUInt16LittleEndian(header[16..]);
        if (type is not (TypeExecutable or TypeDynamic))
        {
            error = $"is an ELF file of type {type}, not a program";
            return null;
        }

        if (available < (is64 ? HeaderSize64 : HeaderSize32))
        {
            error = "ends within its ELF header";
            return null;
        }

        LinuxAbi abi = is64 ? LinuxAbi.Amd64 : LinuxAbi.I386;
        StructReader fields = new(header, abi);
        fields.SkipTo(24);
        ulong entry = fields.Word();
        ulong headersOffset = fields.Word();
        fields.Word();
        fields.Int();
        fields.Short();
        int headerSize = fields.Short();
        int headerCount = fields.Short();
        if (headerSize != (is64 ? ProgramHeaderSize64 : ProgramHeaderSize32) || headerCount == 0 || headerCount * headerSize > MaxHeadersSize)
        {
            error = "has no valid program headers";
            return null;
        }

        byte[] headers = new byte[headerCount * headerSize];
        if (headersOffset > long.MaxValue - MaxHeadersSize || read(headersOffset, headers) != headers.Length)
        {
            error = "ends within its program headers";
            return null;
        }

        return ParseHeaders(read, new Headers(abi, type == TypeDynamic, entry, headersOffset, headerSize, headers), out error);
    }

    sealed record Headers(LinuxAbi Abi, bool IsPositionIndependent, ulong Entry, ulong Offset, int Size, byte[] Bytes)
    {
        public int Count => Bytes.Length / Size;
    }

    static ElfImage? ParseHeaders(ReadAt read, Headers headers, out string error)
    {
        List<ElfSegment> segments = [];
        byte[]? interpreter = null;
        ulong headersAddress = 0;
        bool hasStack = false, executableStack = false;
        for (int i = 0; i < headers.Count; i++)
        {
            ProgramHeader header = ReadHeader(headers, i);
            switch (header.Type)
            {
                case Load when header.Segment.MemorySize != 0:
                    if (CheckSegment(headers, header.Segment, segments) is { } problem)
                    {
                        error = problem;
                        return null;
                    }

                    segments.Add(header.Segment);
                    break;
                case Interpreter when interpreter == null:
                    interpreter = ReadInterpreter(read, header.Segment);
                    if (interpreter == null)
                    {
                        error = "does not name its dynamic linker properly";
                        return null;
                    }

                    break;
                case ProgramHeaders:
                    headersAddress = header.Segment.Address;
                    break;
                case GnuStack:
                    hasStack = true;
                    executableStack = (header.Segment.Protection & MemoryProtection.Execute) != 0;
                    break;
            }
        }

        if (segments.Count == 0)
        {
            error = "has nothing to load";
            return null;
        }

        if (headersAddress == 0)
        {
            ElfSegment holder = segments.Find(segment => segment.FileOffset <= headers.Offset && headers.Offset - segment.FileOffset < segment.FileSize);
            headersAddress = holder.MemorySize == 0 ? 0 : holder.Address + (headers.Offset - holder.FileOffset);
        }

        bool legacy = !headers.Abi.Is64 && !hasStack;
        error = "";
        return new ElfImage
        {
            Abi = headers.Abi,
            IsPositionIndependent = headers.IsPositionIndependent,
            Entry = headers.Entry,
            Segments = segments,
            Interpreter = interpreter,
            HeadersAddress = headersAddress,
            HeaderCount = headers.Count,
            HeaderSize = headers.Size,
            ExecutableStack = executableStack || legacy,
            ReadImpliesExecute = legacy,
        };
    }

    readonly record struct ProgramHeader(uint Type, ElfSegment Segment);

    static ProgramHeader ReadHeader(Headers headers, int index)
    {
        StructReader r = new(headers.Bytes.AsSpan(index * headers.Size, headers.Size), headers.Abi);
        uint type = r.Int();
        uint flags = headers.Abi.Is64 ? r.Int() : 0;
        ulong offset = r.Word();
        ulong address = r.Word();
        r.Word();
        ulong fileSize = r.Word();
        ulong memorySize = r.Word();
        flags = headers.Abi.Is64 ? flags : r.Int();

        // PF_X is 1, PF_W 2, PF_R 4: the mirror image of PROT_.
        MemoryProtection protection = (MemoryProtection)((flags & 1) << 2 | flags & 2 | (flags & 4) >> 2);
        return new ProgramHeader(type, new ElfSegment(address, memorySize, offset, fileSize, protection));
    }

    static string? CheckSegment(Headers headers, ElfSegment segment, List<ElfSegment> earlier)
    {
        const ulong inPage = AddressSpace.PageSize - 1;
        ulong limit = headers.Abi.UserLimit;
        if (segment.MemorySize > limit || segment.Address > limit - segment.MemorySize)
        {
            return "has a segment outside the address space";
        }

        if (segment.FileSize > segment.MemorySize || segment.FileOffset > long.MaxValue - segment.FileSize)
        {
            return "has a segment with more bytes in the file than in memory";
        }

        if (((segment.Address ^ segment.FileOffset) & inPage) != 0)
        {
            return "has a segment that is not aligned to pages";
        }

        return earlier.Count > 0 && segment.Address < earlier[^1].End ? "has overlapping segments" : null;
    }

    static byte[]? ReadInterpreter(ReadAt read, ElfSegment segment)
    {
        if (segment.FileSize is < 2 or > MaxInterpreterPath || segment.FileOffset > long.MaxValue - MaxInterpreterPath)
        {
            return null;
        }

        byte[] path = new byte[segment.FileSize];
        return read(segment.FileOffset, path) == path.Length && path[^1] == 0 ? path[..path.AsSpan().IndexOf((byte)0)] : null;
    }
}
