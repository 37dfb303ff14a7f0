using System.Buffers.Binary;
using System.Text;
using FastVcpu.Bench.Guests;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Peers;

/// <summary>
/// Makes a Linux program of a guest and an iteration count: the guest at its address, its data, and a start that calls it, prints the checksum and exits.
/// So the host and qemu-user run the same bytes as everybody else.
/// </summary>
static class GuestElf
{
    const uint Code = 0x400000, Data = 0x800000, DataSize = 4 << 20, Start = 0x10000000, Page = 0x1000, Loads = 3;

    public static void Write(string path, byte[] guest, GuestProgram program, int iterations)
    {
        byte[] start = Assemble(program.Bits, iterations);
        uint startOffset = Page + ((uint)guest.Length + Page - 1) / Page * Page;
        byte[] image = new byte[startOffset + start.Length];
        bool is64 = program.Bits == 64;
        Header(image, is64);
        Load(image, is64, 0, Page, Code, (uint)guest.Length, (uint)guest.Length, 5);
        Load(image, is64, 1, 0, Data, 0, DataSize, 6);
        Load(image, is64, 2, startOffset, Start, (uint)start.Length, (uint)start.Length, 7);
        guest.CopyTo(image, Page);
        start.CopyTo(image, startOffset);
        File.WriteAllBytes(path, image);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        }
    }

    static void Header(byte[] image, bool is64)
    {
        Encoding.ASCII.GetBytes("\x7f" + "ELF").CopyTo(image, 0);
        image[4] = (byte)(is64 ? 2 : 1);
        image[5] = image[6] = 1;
        Put(image, 16, 2, 2);
        Put(image, 18, 2, is64 ? 62u : 3);
        Put(image, 20, 4, 1);
        Put(image, 24, 4, Start);
        Put(image, is64 ? 32 : 28, 4, is64 ? 64u : 52);
        Put(image, is64 ? 52 : 40, 2, is64 ? 64u : 52);
        Put(image, is64 ? 54 : 42, 2, is64 ? 56u : 32);
        Put(image, is64 ? 56 : 44, 2, Loads);
    }

    static void Load(byte[] image, bool is64, int index, uint offset, uint address, uint fileSize, uint memorySize, uint flags)
    {
        int at = is64 ? 64 + 56 * index : 52 + 32 * index, word = is64 ? 8 : 4;
        Put(image, at, 4, 1);
        Put(image, is64 ? at + 4 : at + 24, 4, flags);
        int fields = is64 ? at + 8 : at + 4;
        foreach (uint field in (uint[])[offset, address, address, fileSize, memorySize])
        {
            Put(image, fields, 4, field);
            fields += word;
        }
        Put(image, is64 ? at + 48 : at + 28, 4, Page);
    }

    static void Put(byte[] image, int at, int size, uint value)
    {
        if (size == 2)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);
        }
    }

    /// <summary>The checksum goes to standard output as an equals sign and eight digits.</summary>
    static byte[] Assemble(int bits, int iterations)
    {
        Assembler c = new(bits);
        Label digit = c.CreateLabel(), letter = c.CreateLabel();
        c.mov(edi, iterations);
        if (bits == 64)
        {
            c.mov(rbx, (ulong)Code);
            c.call(rbx);
            c.sub(rsp, 16);
            c.mov(rsi, rsp);
            c.mov(__byte_ptr[rsi], '=');
        }
        else
        {
            c.mov(ebx, Code);
            c.call(ebx);
            c.sub(esp, 16);
            c.mov(esi, esp);
            c.mov(__byte_ptr[esi], '=');
        }
        c.xor(ebx, ebx);
        c.Label(ref digit);
        c.rol(eax, 4);
        c.mov(edx, eax);
        c.and(edx, 15);
        c.add(edx, '0');
        c.cmp(edx, '9');
        c.jbe(letter);
        c.add(edx, 'a' - '9' - 1);
        c.Label(ref letter);
        if (bits == 64)
        {
            c.mov(__byte_ptr[rsi + rbx + 1], dl);
        }
        else
        {
            c.mov(__byte_ptr[esi + ebx + 1], dl);
        }
        c.inc(ebx);
        c.cmp(ebx, 8);
        c.jne(digit);
        if (bits == 64)
        {
            c.mov(eax, 1);
            c.mov(edi, 1);
            c.mov(edx, 9);
            c.syscall();
            c.mov(eax, 60);
            c.xor(edi, edi);
            c.syscall();
        }
        else
        {
            c.mov(eax, 4);
            c.mov(ebx, 1);
            c.mov(ecx, esi);
            c.mov(edx, 9);
            c.@int(0x80);
            c.mov(eax, 1);
            c.xor(ebx, ebx);
            c.@int(0x80);
        }
        using MemoryStream stream = new();
        c.Assemble(new StreamCodeWriter(stream), Start);
        return stream.ToArray();
    }
}
