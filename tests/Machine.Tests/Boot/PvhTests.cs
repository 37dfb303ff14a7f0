using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>ELF kernels without a Multiboot header: with the note of a PVH entry, and of 64 bits.</summary>
public class PvhTests
{
    const uint Entry = ElfBuilder.Base + 0x120;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheKernelIsEnteredWhereItsNoteSaysAndFindsItsInformation(bool is64)
    {
        using BootMachine machine = new(Options(is64, KernelEntry.Widest));
        Assert.Equal((ulong)Entry, machine.Cpu.Regs.Rip);
        Assert.Equal(1UL, machine.Cpu.SystemRegisters.Cr0 & 0x80000001);
        byte[] info = Memory(machine, machine.Cpu.Regs.Rbx, 0x38);
        Assert.Equal((0x336EC578u, 1u, 1u), (Field(info, 0), Field(info, 4), Field(info, 12)));
        byte[] module = Memory(machine, Field(info, 16), 0x20);
        Assert.Equal([7, 8, 9], Memory(machine, Field(module, 0), (int)Field(module, 8)));
        Assert.Equal("quiet\0", Encoding.ASCII.GetString(Memory(machine, Field(info, 24), 6)));
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(Memory(machine, Field(info, 32), 8)));
        byte[] map = Memory(machine, Field(info, 40), 24);
        Assert.Equal((3u, 0xA0000u, 1u), (Field(info, 48), Field(map, 8), Field(map, 16)));
    }

    [Fact]
    public void AKernelOf64BitsCanBeEnteredInThem()
    {
        using BootMachine machine = new(Options(is64: true, KernelEntry.Bits64));
        Assert.Equal(ElfBuilder.Base + ElfBuilder.ContentOffset, machine.Cpu.Regs.Rip);
        Assert.Equal(0x500UL, machine.Cpu.SystemRegisters.Efer);
        byte[] page = Memory(machine, machine.Cpu.Regs.Rsi, 4096);
        Assert.Equal("quiet\0", Encoding.ASCII.GetString(Memory(machine, Field(page, 0x228), 6)));
        Assert.Equal([7, 8, 9], Memory(machine, Field(page, 0x218), (int)Field(page, 0x21C)));
        Assert.Equal("HdrS", Encoding.ASCII.GetString(page, 0x202, 4));
    }

    [Theory]
    [InlineData(KernelEntry.Bits32, "max", "64-bit entry only")]
    [InlineData(KernelEntry.Widest, "pentium", "64-bit entry only")]
    [InlineData(KernelEntry.Bits16, "max", "calls the BIOS")]
    public void AnEntryThatIsNotThereIsRefused(KernelEntry entry, string model, string words)
    {
        BootOptions options = new() { Kernel = ElfBuilder.Build(true, [0xF4]), Entry = entry, CpuModel = model == "max" ? CpuModel.Max : CpuModel.Pentium };
        Assert.Contains(words, Assert.Throws<BootException>(() => new BootMachine(options)).Message);
    }

    static BootOptions Options(bool is64, KernelEntry entry)
    {
        byte[] other = [3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, .. "Go\0\0"u8, 9, 9, 0, 0];
        byte[] content = [.. other, .. KernelFiles.Note(Entry)];
        return new()
        {
            Kernel = ElfBuilder.Build(is64, content, (0, content.Length)),
            Entry = entry,
            CommandLine = "quiet",
            Module = [7, 8, 9],
            Memory = 64 << 20,
        };
    }

    static byte[] Memory(BootMachine machine, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(machine.Vm.TryReadPhysical(address, bytes));
        return bytes;
    }

    static uint Field(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));
}
