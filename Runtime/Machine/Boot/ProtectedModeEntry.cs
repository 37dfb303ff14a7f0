using System.Runtime.InteropServices;

namespace FastVcpu.Machine.Boot;

/// <summary>Puts a processor into flat 32-bit protected mode, without paging. The selectors are those that Linux wants.</summary>
static class ProtectedModeEntry
{
    const ulong TableAddress = 0x8000;
    const ushort CodeSelector = 0x10, DataSelector = 0x18;
    const ulong CodeDescriptor = 0x00CF9B000000FFFF, DataDescriptor = 0x00CF93000000FFFF;
    const ushort CodeAttributes = 0xC09B, DataAttributes = 0xC093;
    const ulong ProtectionEnable = 1, ExtensionType = 1 << 4;

    public static void Prepare(VirtualMachine vm, Vcpu cpu, uint entry)
    {
        ReadOnlySpan<ulong> table = [0, 0, CodeDescriptor, DataDescriptor];
        BootMemory.Write(vm, TableAddress, MemoryMarshal.AsBytes(table));
        SegmentRegister code = new() { Selector = CodeSelector, Limit = uint.MaxValue, Attributes = CodeAttributes };
        SegmentRegister data = new() { Selector = DataSelector, Limit = uint.MaxValue, Attributes = DataAttributes };
        cpu.SystemRegisters = cpu.SystemRegisters with
        {
            Cs = code,
            Ds = data,
            Es = data,
            Fs = data,
            Gs = data,
            Ss = data,
            Gdt = new TableRegister(TableAddress, (ushort)(table.Length * sizeof(ulong) - 1)),
            Cr0 = ProtectionEnable | ExtensionType,
        };
        cpu.Registers = new GeneralRegisters { Rip = entry, Rflags = 2 };
    }
}
