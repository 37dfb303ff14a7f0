using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Boot;

/// <summary>Loads ELF kernels that have the entry of Xen's PVH guests (xen/include/public/arch-x86/hvm/start_info.h): Linux' vmlinux is one.</summary>
static class Pvh
{
    const uint EntryNote = 18; // XEN_ELFNOTE_PHYS32_ENTRY
    const uint Magic = 0x336EC578, Version = 1;
    const int InfoSize = 0x38, ModuleSize = 0x20, MapEntrySize = 0x18;
    const uint AvailableMemory = 1, ReservedMemory = 2;

    /// <summary>The physical address of the entry; null: the kernel has none.</summary>
    public static ulong? FindEntry(ElfImage image) => image.FindNote("Xen\0"u8, EntryNote);

    public static void Load(VirtualMachine vm, Vcpu cpu, ElfImage image, ulong entry, BootOptions options, MemoryMap map, ulong acpiRoot)
    {
        ulong end = image.Load(vm).End;
        if (entry > uint.MaxValue)
        {
            throw new BootException($"The kernel's entry {entry:x}h is not below 4 GiB.");
        }
        BelowFour place = new(vm, end, map);
        byte[] info = new byte[InfoSize];
        BinaryPrimitives.WriteUInt32LittleEndian(info, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(4), Version);
        if (options.Module is { Length: > 0 } module)
        {
            byte[] entryOfModule = new byte[ModuleSize];
            BinaryPrimitives.WriteUInt64LittleEndian(entryOfModule, place.Write(module));
            BinaryPrimitives.WriteUInt64LittleEndian(entryOfModule.AsSpan(8), (ulong)module.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(12), 1);
            BinaryPrimitives.WriteUInt64LittleEndian(info.AsSpan(16), place.Write(entryOfModule));
        }
        byte[] entries = [.. map.Regions.SelectMany(region => MapEntry(region.Start, region.Size, region.IsMemory ? AvailableMemory : ReservedMemory))];
        BinaryPrimitives.WriteUInt64LittleEndian(info.AsSpan(24), place.Write([.. Encoding.UTF8.GetBytes(options.CommandLine), 0]));
        BinaryPrimitives.WriteUInt64LittleEndian(info.AsSpan(32), acpiRoot);
        BinaryPrimitives.WriteUInt64LittleEndian(info.AsSpan(40), place.Write(entries));
        BinaryPrimitives.WriteInt32LittleEndian(info.AsSpan(48), entries.Length / MapEntrySize);
        ProtectedModeEntry.Prepare(vm, cpu, (uint)entry);
        cpu.Regs.Rbx = place.Write(info);
    }

    static byte[] MapEntry(ulong start, ulong size, uint type)
    {
        byte[] entry = new byte[MapEntrySize];
        BinaryPrimitives.WriteUInt64LittleEndian(entry, start);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), size);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(16), type);
        return entry;
    }
}
