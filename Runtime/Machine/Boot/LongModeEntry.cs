using System.Runtime.InteropServices;

namespace FastVcpu.Machine.Boot;

/// <summary>Puts a processor into 64-bit mode, with the first 4 GiB mapped to themselves in pages of 2 MiB.</summary>
static class LongModeEntry
{
    const ulong TablesAddress = 0x9000, LargePage = 2 << 20;
    const int EntriesPerTable = 512, Gigabytes = 4;
    const ulong Present = 1, Writable = 2, Large = 0x80;
    const ulong ProtectionEnable = 1, ExtensionType = 1 << 4, Paging = 1UL << 31, PhysicalAddressExtension = 1 << 5;
    const ulong LongModeEnable = 1 << 8, LongModeActive = 1 << 10;
    const ushort CodeAttributes = 0xA09B;

    public static void Prepare(VirtualMachine vm, Vcpu cpu, ulong entry)
    {
        ProtectedModeEntry.Prepare(vm, cpu, 0);
        WriteTables(vm);
        SystemRegisters registers = cpu.SystemRegisters;
        cpu.SystemRegisters = registers with
        {
            Cs = registers.Cs with { Attributes = CodeAttributes },
            Cr0 = ProtectionEnable | ExtensionType | Paging,
            Cr3 = TablesAddress,
            Cr4 = PhysicalAddressExtension,
            Efer = LongModeEnable | LongModeActive,
        };
        cpu.Registers = new GeneralRegisters { Rip = entry, Rflags = 2 };
    }

    /// <summary>One table of the fourth level, one of the third, and one of the second for each gigabyte.</summary>
    static void WriteTables(VirtualMachine vm)
    {
        ulong[] tables = new ulong[(2 + Gigabytes) * EntriesPerTable];
        tables[0] = TablesAddress + BootMemory.PageSize | Present | Writable;
        for (int i = 0; i < Gigabytes; i++)
        {
            tables[EntriesPerTable + i] = TablesAddress + (ulong)(2 + i) * BootMemory.PageSize | Present | Writable;
        }
        for (int i = 0; i < Gigabytes * EntriesPerTable; i++)
        {
            tables[2 * EntriesPerTable + i] = (ulong)i * LargePage | Present | Writable | Large;
        }
        BootMemory.Write(vm, TablesAddress, MemoryMarshal.AsBytes<ulong>(tables));
    }
}
