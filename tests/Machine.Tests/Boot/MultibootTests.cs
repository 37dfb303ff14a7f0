using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>Both versions of Multiboot, with kernels that consist of a header.</summary>
public class MultibootTests
{
    static readonly byte[] Module = [1, 2, 3, 4, 5];

    /// <summary>What a kernel of either version finds in its registers (0.6.96 section 3.2; 2.0 section 3.3).</summary>
    [Theory]
    [InlineData(false, 0x2BADB002u)]
    [InlineData(true, 0x36D76289u)]
    public void TheProcessorIsInFlatProtectedMode(bool isSecond, uint magic)
    {
        using BootMachine machine = new(new BootOptions { Kernel = ElfBuilder.Build(false, isSecond ? KernelFiles.Multiboot2() : KernelFiles.Multiboot1()) });
        SystemRegisters system = machine.Cpu.SystemRegisters;
        Assert.Equal((ulong)magic, machine.Cpu.Regs.Rax);
        Assert.Equal(ElfBuilder.Base + ElfBuilder.ContentOffset, machine.Cpu.Regs.Rip);
        Assert.Equal((1UL, 0UL), (system.Cr0 & 0x80000001, machine.Cpu.Regs.Rflags & 0x20200));
        Assert.All([system.Cs, system.Ds, system.Es, system.Fs, system.Gs, system.Ss], segment => Assert.Equal((0UL, uint.MaxValue), (segment.Base, segment.Limit)));
        Assert.Equal((0xC09B, 0xC093), (system.Cs.Attributes, system.Ss.Attributes));
        Assert.NotEqual(0UL, machine.Cpu.Regs.Rbx);
    }

    [Fact]
    public void TheFirstVersionTellsOfMemoryCommandLineAndModule()
    {
        using BootMachine machine = new(Options(ElfBuilder.Build(false, KernelFiles.Multiboot1())));
        byte[] info = Memory(machine, machine.Cpu.Regs.Rbx, 0x58);
        Assert.Equal(0x24Du, Field(info, 0) & 0x24D);
        Assert.Equal((640u, 63u * 1024), (Field(info, 4), Field(info, 8)));
        Assert.Equal("quiet\0", Encoding.ASCII.GetString(Memory(machine, Field(info, 16), 6)));
        byte[] module = Memory(machine, Field(info, 24), 16);
        Assert.Equal(Module, Memory(machine, Field(module, 0), (int)(Field(module, 4) - Field(module, 0))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheSecondVersionHasATagForEverything(bool is64)
    {
        byte[] symbols = Enumerable.Range(0, 64).Select(i => (byte)i).ToArray();
        using BootMachine machine = new(Options(ElfBuilder.Build(is64, KernelFiles.Multiboot2([1, 0, 20, 3, 6, 9]), symbols: symbols)));
        Dictionary<uint, byte[]> tags = Tags(machine);
        Assert.Equal("quiet\0", Encoding.ASCII.GetString(tags[1]));
        Assert.Equal("FastVcpu\0", Encoding.ASCII.GetString(tags[2]));
        Assert.Equal(Module, Memory(machine, Field(tags[3], 0), (int)(Field(tags[3], 4) - Field(tags[3], 0))));
        Assert.Equal((640u, 63u * 1024), (Field(tags[4], 0), Field(tags[4], 4)));
        Assert.Equal((24u, 0u), (Field(tags[6], 0), Field(tags[6], 4)));
        Assert.Equal((0xA0000u, 1u), (Field(tags[6], 16), Field(tags[6], 24)));
        Assert.Equal((0xB8000u, 160u, 80u, 25u, 2), (Field(tags[8], 0), Field(tags[8], 8), Field(tags[8], 12), Field(tags[8], 16), tags[8][21]));
        int header = 12 + (is64 ? 64 : 40);
        Assert.Equal((2u, is64 ? 64u : 40), (Field(tags[9], 0), Field(tags[9], 4)));
        Assert.Equal(symbols, Memory(machine, Field(tags[9], header + (is64 ? 16 : 12)), symbols.Length));
        Assert.Equal(("RSD PTR ", 20, 36), (Encoding.ASCII.GetString(tags[14], 0, 8), tags[14].Length, tags[15].Length));
    }

    [Fact]
    public void AnImageIsLoadedWhereItsHeaderSays()
    {
        const uint Load = 0x200000;
        byte[] kernel = KernelFiles.Multiboot2([2, 0, 24, Load, Load, 0, Load + 0x3000], [3, 0, 12, Load + 4]);
        using BootMachine machine = new(new BootOptions { Kernel = kernel });
        Assert.Equal(Load + 4UL, machine.Cpu.Regs.Rip);
        Assert.Equal(kernel, Memory(machine, Load, kernel.Length));
    }

    [Theory]
    [InlineData("information of type 99", new uint[] { 1, 0, 12, 99 })]
    [InlineData("a feature of type 77", new uint[] { 77, 0, 8 })]
    [InlineData("graphics", new uint[] { 5, 0, 20, 800, 600, 32 })]
    [InlineData("does not lie in the header", new uint[] { 3, 0, 4000, 0 })]
    [InlineData("no entry", new uint[] { 2, 0, 24, 0x200000, 0x200000, 0, 0 })]
    [InlineData("do not fit the file", new uint[] { 2, 0, 24, 0x200000, 0x300000, 0, 0 })]
    public void WhatCannotBeDoneIsSaid(string words, uint[] tag) =>
        Assert.Contains(words, Assert.Throws<BootException>(() => new BootMachine(new BootOptions { Kernel = ElfBuilder.Build(false, KernelFiles.Multiboot2(tag)) })).Message);

    [Fact]
    public void OptionalFeaturesMayBeMissing()
    {
        using BootMachine machine = new(new BootOptions { Kernel = ElfBuilder.Build(false, KernelFiles.Multiboot2([77, 1, 8], [5, 1, 20, 800, 600, 32], [1, 1, 12, 99])) });
        Assert.DoesNotContain(99u, Tags(machine).Keys);
    }

    static BootOptions Options(byte[] kernel) => new() { Kernel = kernel, CommandLine = "quiet", Module = Module, Memory = 64 << 20 };

    static Dictionary<uint, byte[]> Tags(BootMachine machine)
    {
        ulong at = machine.Cpu.Regs.Rbx;
        byte[] info = Memory(machine, at, (int)Field(Memory(machine, at, 4), 0));
        Dictionary<uint, byte[]> tags = [];
        for (int offset = 8; Field(info, offset) != 0; offset += (int)(Field(info, offset + 4) + 7 & ~7u))
        {
            tags.Add(Field(info, offset), info[(offset + 8)..(offset + (int)Field(info, offset + 4))]);
        }
        return tags;
    }

    static byte[] Memory(BootMachine machine, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(machine.Vm.TryReadPhysical(address, bytes));
        return bytes;
    }

    static uint Field(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));
}
