using System.Buffers.Binary;
using System.Numerics;
using FastVcpu.Bench.Running;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Peers;

/// <summary>
/// Makes a machine's whole firmware of a guest and an iteration count, for emulators of whole machines: from the reset vector it goes to 32- or 64-bit mode at level 0,
/// maps 64 MiB of 4 KiB pages to themselves, copies the guest to its address, calls it, writes the checksum to port E9h and ends the machine. No BIOS, no disk, no
/// interrupt.
/// </summary>
static class GuestRom
{
    /// <summary>The last 64 KiB are the wrapper, which real mode sees below 1 MiB too; in front of them is the guest.</summary>
    const int WrapperSize = 64 << 10, LargestRom = 1 << 20, ResetVector = 0xFFF0;
    const uint Base = 0xF0000, Code = 0x400000, Data = 0x800000, DataSize = 4 << 20, Stack = 0x2000000;
    const uint Tables = 0x100000, Page = 0x1000, Memory = 64 << 20, Present = 3;
    const uint IterationsOffset = 0x7F0, GdtOffset = 0x700, GdtrOffset = 0x7E0;
    const ushort Code32 = 8, DataSegment = 16, Code64 = 24;

    /// <summary>Port that QEMU's <c>isa-debug-exit</c> is put at.</summary>
    public const int ExitPort = 0xF4;

    const int ConsolePort = 0xE9, ShutdownPort = 0x8900, SystemControlPort = 0x92;

    static readonly ulong[] Gdt = [0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x00AF9B000000FFFF];

    public static void Write(string path, byte[] guest, int bits, int iterations)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)(WrapperSize + guest.Length));
        if (size > LargestRom)
        {
            throw new EngineException($"A guest of {guest.Length >> 10} KiB does not fit into firmware of {LargestRom >> 10} KiB.");
        }
        byte[] image = new byte[size];
        guest.CopyTo(image, 0);
        Wrap(image.AsSpan(size - WrapperSize), (uint)-size, guest.Length, bits, iterations);
        File.WriteAllBytes(path, image);
    }

    /// <param name="rom">The last part of the firmware.</param>
    /// <param name="source">Where the guest is after a reset.</param>
    /// <param name="length">Its size.</param>
    /// <param name="bits">32 or 64.</param>
    /// <param name="iterations">Its argument.</param>
    static void Wrap(Span<byte> rom, uint source, int length, int bits, int iterations)
    {
        byte[] real = Assemble(16, Base, RealMode), protectedMode = Assemble(32, Base + (uint)real.Length, c => Prepare(c, source, length, bits));
        // The two parts know each other's place: the far jump leads behind itself, to the end of the first part.
        real.CopyTo(rom);
        BinaryPrimitives.WriteUInt32LittleEndian(rom[(real.Length - 6)..], Base + (uint)real.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(rom[(real.Length - 2)..], Code32);
        protectedMode.CopyTo(rom[real.Length..]);
        int at = real.Length + protectedMode.Length;
        byte[] call = Assemble(bits, Base + (uint)at, Call);
        if (at + call.Length > GdtOffset)
        {
            throw new InvalidOperationException("The wrapper has grown into its tables.");
        }
        call.CopyTo(rom[at..]);
        for (int i = 0; i < Gdt.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rom[((int)GdtOffset + 8 * i)..], Gdt[i]);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(rom[(int)GdtrOffset..], (ushort)(8 * Gdt.Length - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(rom[((int)GdtrOffset + 2)..], Base + GdtOffset);
        BinaryPrimitives.WriteInt32LittleEndian(rom[(int)IterationsOffset..], iterations);
        // JMP to offset 0 of the segment.
        rom[ResetVector] = 0xE9;
        BinaryPrimitives.WriteInt16LittleEndian(rom[(ResetVector + 1)..], unchecked((short)-(ResetVector + 3)));
    }

    /// <summary>Address line 20, flat segments, protected mode; ends with a far jump whose target is filled in.</summary>
    static void RealMode(Assembler c)
    {
        c.cli();
        c.@in(al, SystemControlPort);
        c.or(al, 2);
        c.and(al, 0xFE);
        c.@out(SystemControlPort, al);
        // LGDT [CS:GdtrOffset], 32-bit form.
        c.db(0x2E, 0x66, 0x0F, 0x01, 0x16, (byte)(GdtrOffset & 0xFF), (byte)(GdtrOffset >> 8));
        c.mov(eax, cr0);
        c.or(al, 1);
        c.mov(cr0, eax);
        c.db(0x66, 0xEA, 0, 0, 0, 0, 0, 0);
    }

    /// <summary>Clears the data, copies the guest, makes page tables, and switches to what the guest needs.</summary>
    static void Prepare(Assembler c, uint source, int length, int bits)
    {
        const int Protection = 1, MonitorCoprocessor = 2, NumericError = 0x20, Paging = unchecked((int)0x80000000);
        const int SseContext = 0x600, PhysicalExtension = 0x20, Efer = unchecked((int)0xC0000080), LongMode = 0x100;
        bool is64 = bits == 64;
        uint entry = is64 ? 8u : 4u, perTable = Page / entry, tables = Memory / Page / perTable, upper = is64 ? 3u : 1u;
        uint firstTable = Tables + upper * Page;
        c.mov(eax, DataSegment);
        c.mov(ds, eax);
        c.mov(es, eax);
        c.mov(ss, eax);
        c.mov(esp, Stack);
        c.cld();
        Fill(c, Tables, (upper + tables) * Page);
        Fill(c, Data, DataSize);
        c.mov(esi, source);
        c.mov(edi, Code);
        c.mov(ecx, length);
        c.rep.movsb();
        Entries(c, firstTable, entry, 0, Memory / Page);
        Entries(c, firstTable - Page, entry, firstTable, tables);
        if (is64)
        {
            c.mov(__dword_ptr[Tables + Page], (int)(Tables + 2 * Page + Present));
            c.mov(__dword_ptr[Tables], (int)(Tables + Page + Present));
        }
        c.mov(eax, Tables);
        c.mov(cr3, eax);
        c.mov(eax, SseContext | (is64 ? PhysicalExtension : 0));
        c.mov(cr4, eax);
        if (is64)
        {
            c.mov(ecx, Efer);
            c.rdmsr();
            c.or(eax, LongMode);
            c.wrmsr();
        }
        EnableVectors(c);
        c.fninit();
        c.mov(eax, Protection | MonitorCoprocessor | NumericError | Paging);
        c.mov(cr0, eax);
        if (is64)
        {
            // A far return to the code behind: the target is pushed, so that it need not be known yet.
            Label here = c.CreateLabel();
            c.push(Code64);
            c.call(here);
            c.Label(ref here);
            c.add(__dword_ptr[esp], 5);
            // ADD is 4 bytes long, RETF 1.
            c.retf();
        }
    }

    /// <summary>AVX, where the CPU has it: the operating system's consent, and all the state that XGETBV may speak of.</summary>
    static void EnableVectors(Assembler c)
    {
        const int XsaveFeature = 1 << 26, AvxFeature = 1 << 28, SaveEnabled = 1 << 18, X87AndSse = 3, Avx = 4;
        Label none = c.CreateLabel(), set = c.CreateLabel();
        c.mov(eax, 1);
        c.cpuid();
        c.test(ecx, XsaveFeature);
        c.je(none);
        c.mov(eax, cr4);
        c.or(eax, SaveEnabled);
        c.mov(cr4, eax);
        c.mov(eax, X87AndSse);
        c.test(ecx, AvxFeature);
        c.je(set);
        c.or(eax, Avx);
        c.Label(ref set);
        c.xor(edx, edx);
        c.xor(ecx, ecx);
        c.xsetbv();
        c.Label(ref none);
    }

    static void Fill(Assembler c, uint address, uint length)
    {
        c.mov(edi, address);
        c.mov(ecx, length / 4);
        c.xor(eax, eax);
        c.rep.stosd();
    }

    /// <summary>Entries of a page table for one page after the other.</summary>
    static void Entries(Assembler c, uint table, uint size, uint first, uint count)
    {
        Label next = c.CreateLabel();
        c.mov(edi, table);
        c.mov(eax, first | Present);
        c.mov(ecx, count);
        c.Label(ref next);
        c.mov(__dword_ptr[edi], eax);
        c.add(edi, size);
        c.add(eax, Page);
        c.dec(ecx);
        c.jne(next);
    }

    /// <summary>Calls the guest, writes an equals sign and eight digits, and ends the machine in whatever way this emulator has.</summary>
    static void Call(Assembler c)
    {
        Label digit = c.CreateLabel(), below = c.CreateLabel();
        c.mov(edi, __dword_ptr[Base + IterationsOffset]);
        c.mov(ebx, Code);
        if (c.Bitness == 64)
        {
            c.call(rbx);
        }
        else
        {
            c.call(ebx);
        }
        c.mov(ebp, eax);
        Out(c, ConsolePort, "=");
        c.mov(ecx, 8);
        c.Label(ref digit);
        c.rol(ebp, 4);
        c.mov(eax, ebp);
        c.and(eax, 15);
        c.add(eax, '0');
        c.cmp(eax, '9');
        c.jbe(below);
        c.add(eax, 'a' - '9' - 1);
        c.Label(ref below);
        c.@out((byte)ConsolePort, al);
        c.dec(ecx);
        c.jne(digit);
        Out(c, ConsolePort, "\n");
        c.xor(eax, eax);
        c.@out(ExitPort, al);
        Out(c, ShutdownPort, "Shutdown");
        c.hlt();
    }

    static void Out(Assembler c, int port, string text)
    {
        c.mov(edx, port);
        foreach (char letter in text)
        {
            c.mov(eax, letter);
            c.@out(dx, al);
        }
    }

    static byte[] Assemble(int bits, uint address, Action<Assembler> code)
    {
        Assembler assembler = new(bits);
        code(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
