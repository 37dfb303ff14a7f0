using System.Buffers.Binary;
using System.Text;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>Linux' boot protocol, with kernels of a few instructions.</summary>
public class LinuxKernelTests
{
    [Theory]
    [InlineData(KernelEntry.Bits32, 4UL)]
    [InlineData(KernelEntry.Bits64, 8UL)]
    [InlineData(KernelEntry.Widest, 8UL)]
    public void TheKernelIsEnteredInTheModeThatIsAskedFor(KernelEntry entry, ulong operandBytes)
    {
        // PUSH RAX at both entries: the stack pointer goes down by as much as the mode is wide.
        using BootMachine machine = new(new BootOptions { Kernel = KernelFiles.Linux([0x50, 0xF4]), Entry = entry });
        machine.Cpu.Regs.Rsp = 0x9000;
        machine.Run(1);
        Assert.Equal(0x9000 - operandBytes, machine.Cpu.Regs.Rsp);
        Assert.Equal(0x10, machine.Cpu.Segments.Cs.Selector);
    }

    /// <summary>The setup code calls the BIOS for the size of memory, and looks at its command line.</summary>
    [GrubFact]
    public void FirmwareEntersTheSetupCodeInRealMode()
    {
        const int DebugExit = 0xF4;
        byte[] kernel = KernelFiles.Linux([0xF4]);
        byte[] setup =
        [
            0xCD, 0x12,                         // int 12h
            0x2D, 0x00, 0x02,                   // sub ax, 512
            0xC1, 0xE8, 0x06,                   // shr ax, 6: 1 when there are 576 to 639 KiB
            0x02, 0x06, 0x00, 0xE0,             // add al, [E000h]
            0xE6, DebugExit,                    // out DebugExit, al
        ];
        setup.CopyTo(kernel, 0x268);
        BootOptions options = new()
        {
            Firmware = GrubFactAttribute.Read("bios.bin"), Kernel = kernel, CommandLine = "\u0010", DebugExitPort = DebugExit, Clock = new InstructionClock(), Module = [1], Memory = 64 << 20,
        };
        using BootMachine machine = new(options);
        BootResult result = machine.Run(500_000_000);
        Assert.Equal((BootEnd.DebugExit, 0x11 * 2 + 1), (result.End, result.Status));
    }

    [Theory]
    [InlineData(KernelEntry.Bits64)]
    [InlineData(KernelEntry.Bits32)]
    public void FirmwareHasOneEntryOnly(KernelEntry entry) =>
        Assert.Throws<BootException>(() => new BootMachine(new BootOptions { Firmware = new byte[4096], Kernel = KernelFiles.Linux([0xF4]), Entry = entry }));

    [Fact]
    public void TheZeroPageTellsOfCommandLineMemoryAndRamDisk()
    {
        byte[] ramDisk = [1, 2, 3];
        using BootMachine machine = new(new BootOptions { Kernel = KernelFiles.Linux([0xF4]), CommandLine = "quiet", Module = ramDisk, Memory = 64 << 20 });
        byte[] page = new byte[4096];
        Assert.True(machine.Vm.TryReadPhysical(machine.Cpu.Regs.Rsi, page));
        byte[] text = new byte[6];
        machine.Vm.TryReadPhysical(Field(page, 0x228), text);
        Assert.Equal("quiet\0", Encoding.ASCII.GetString(text));
        byte[] placed = new byte[3];
        machine.Vm.TryReadPhysical(Field(page, 0x218), placed);
        Assert.Equal(ramDisk, placed);
        Assert.Equal(3u, Field(page, 0x21C));
        Assert.Equal(3, page[0x1E8]);
        Assert.Equal(1u << 20, Field(page, 0x2D0 + 40));
        Assert.Equal(63u << 20, Field(page, 0x2D0 + 48));
        Assert.NotEqual(0u, Field(page, 0x70));
    }

    [Theory]
    [InlineData("a RAM disk that does not fit", 0x218, 0u)]
    [InlineData("an old protocol", 0x206, 0x0203u)]
    [InlineData("a kernel whose file has been cut off", 0x1F4, 0x101u)]
    [InlineData("a kernel that needs more memory", 0x260, 0x7FFFFFFFu)]
    public void WhatCannotBootIsRefused(string reason, int field, uint value)
    {
        byte[] kernel = KernelFiles.Linux([0xF4]);
        BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(field), value);
        BootOptions options = new() { Kernel = kernel, Module = new byte[32 << 20], Memory = 16 << 20 };
        Assert.True(reason.Length > 0);
        Assert.Throws<BootException>(() => new BootMachine(options));
    }

    static uint Field(byte[] page, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(offset));
}
