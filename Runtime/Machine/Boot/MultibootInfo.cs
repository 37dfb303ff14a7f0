using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Boot;

/// <summary>The information structure that a Multiboot kernel finds through EBX.</summary>
static class MultibootInfo
{
    const uint Address = 0x9000, Room = 0x1000;
    const int InfoSize = 0x58, ModuleSize = 16, MapEntrySize = 24;
    const uint HasMemory = 1 << 0, HasCommandLine = 1 << 2, HasModules = 1 << 3, HasMap = 1 << 6, HasLoaderName = 1 << 9;
    const uint AvailableMemory = 1, ReservedMemory = 2;
    const ulong Megabyte = 1 << 20;

    /// <summary>Writes it, and the module behind the kernel; returns its address.</summary>
    public static uint Write(VirtualMachine vm, string commandLine, byte[]? module, BelowFour behindKernel, MemoryMap map)
    {
        byte[] page = new byte[Room];
        int next = InfoSize;
        uint Place(ReadOnlySpan<byte> bytes)
        {
            if (next + bytes.Length > page.Length)
            {
                throw new BootException("The command line is too long.");
            }
            bytes.CopyTo(page.AsSpan(next));
            uint place = Address + (uint)next;
            next = (next + bytes.Length + 7) & ~7;
            return place;
        }

        void Set(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(offset), value);

        uint flags = HasMemory | HasCommandLine | HasMap | HasLoaderName;
        Set(4, (uint)(map.LowSize / 1024));
        Set(8, (uint)((map.BelowHole - Megabyte) / 1024));
        Set(16, Place([.. Encoding.UTF8.GetBytes(commandLine), 0]));
        if (module != null)
        {
            flags |= HasModules;
            uint moduleAddress = behindKernel.Write(module);
            byte[] entry = new byte[ModuleSize];
            BinaryPrimitives.WriteUInt32LittleEndian(entry, moduleAddress);
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(4), moduleAddress + (uint)module.Length);
            Set(20, 1);
            Set(24, Place(entry));
        }
        byte[] entries = [.. map.Regions.SelectMany(region => MapEntry(region.Start, region.Size, region.IsMemory ? AvailableMemory : ReservedMemory))];
        Set(44, (uint)entries.Length);
        Set(48, Place(entries));
        Set(64, Place("FastVcpu\0"u8));
        Set(0, flags);
        BootMemory.Write(vm, Address, page);
        return Address;
    }

    static byte[] MapEntry(ulong start, ulong size, uint type)
    {
        byte[] entry = new byte[MapEntrySize];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, MapEntrySize - 4);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(4), start);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(12), size);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(20), type);
        return entry;
    }
}
