using System.Runtime.InteropServices;
using System.Text;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Peers;
using FastVcpu.Bench.Running;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests;

/// <summary>What the peers are given to run: a guest that triples its argument and looks whether its data is clear, in a ROM and in a Linux program.</summary>
public sealed class PeerGuestTests : IDisposable
{
    const int Iterations = 0x1234;
    const string Expected = "=0000369c";

    readonly DirectoryInfo scratch = Directory.CreateTempSubdirectory("fastvcpu-bench-tests");

    public void Dispose() => scratch.Delete(recursive: true);

    [Theory]
    [InlineData(32, 0)]
    [InlineData(64, 0)]
    [InlineData(64, 300_000)]
    public void TheRomBootsIntoTheGuestAndReports(int bits, int padding)
    {
        const int ConsolePort = 0xE9, MostExits = 1000, SeenBelow = 1 << 16;
        string path = Path.Combine(scratch.FullName, "rom");
        GuestRom.Write(path, [.. Guest(bits), .. new byte[padding]], bits, Iterations);
        using VirtualMachine vm = new();
        byte[] rom = File.ReadAllBytes(path);
        ulong size = (ulong)rom.Length;
        vm.AllocateMemory(0, 0, 64 << 20);
        vm.AllocateMemory(1, (1UL << 32) - size, size);
        vm.TryWritePhysical((1UL << 32) - size, rom);
        vm.TryWritePhysical(0xF0000, rom.AsSpan(rom.Length - SeenBelow));
        Vcpu cpu = vm.CreateVcpu(CpuModel.Max);
        StringBuilder console = new();
        for (int i = 0; i < MostExits; i++)
        {
            VcpuExit exit = cpu.Run();
            Assert.Equal(ExitReason.Io, exit.Reason);
            if (exit.Port == GuestRom.ExitPort)
            {
                break;
            }
            if (exit.Port == ConsolePort)
            {
                console.Append((char)(byte)cpu.Regs.Rax);
            }
        }
        Assert.Equal(Expected + "\n", console.ToString());
        Assert.True((cpu.SystemRegisters.Cr0 & 0x80000000) != 0);
        Assert.Equal(bits == 64, (cpu.SystemRegisters.Efer & 0x400) != 0);
    }

    [Fact]
    public void AGuestThatFitsIntoNoRomIsLeftOut() =>
        Assert.Throws<EngineException>(() => GuestRom.Write(Path.Combine(scratch.FullName, "rom"), new byte[1 << 20], 64, 1));

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void TheLinuxProgramReports(int bits)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return;
        }
        string path = Path.Combine(scratch.FullName, "elf");
        GuestElf.Write(path, Guest(bits), new GuestProgram("tripled", bits, 0, 1, 1), Iterations);
        Assert.Equal(Expected, CpuTime.Run(path, []).Output.TrimEnd('\0'));
    }

    [Fact]
    public void TheCommandReportsChecksumInstructionsAndNoAllocation()
    {
        string path = Path.Combine(scratch.FullName, "guest.bin");
        File.WriteAllBytes(path, Guest(64));
        GuestResult result = GuestCommand.Measure(path, 64, Iterations, Extra.Limit, warmUp: 1);
        Assert.Equal((0x369Cu, 6L, 0L), (result.Checksum, result.Instructions, result.Allocated));
    }

    static byte[] Guest(int bits)
    {
        Assembler c = new(bits);
        Label end = c.CreateLabel();
        c.mov(ecx, 0x800000);
        c.mov(eax, bits == 64 ? __dword_ptr[rcx] : __dword_ptr[ecx]);
        c.test(eax, eax);
        c.jne(end);
        if (bits == 64)
        {
            c.lea(eax, __[rdi + rdi * 2]);
        }
        else
        {
            c.lea(eax, __[edi + edi * 2]);
        }
        c.Label(ref end);
        c.ret();
        using MemoryStream stream = new();
        c.Assemble(new StreamCodeWriter(stream), 0x400000);
        return stream.ToArray();
    }
}
