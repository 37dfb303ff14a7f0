using FastVcpu.Linux;
using FastVcpu.Machine.Boot;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Fuzz.Files;

/// <summary>A program and a machine as small as can be, and snapshots of them.</summary>
static class SmallGuests
{
    const ulong Kernel = 0x100000;

    /// <summary>Of 64 bits: counts for a while, reads standard input, dies of a C at its beginning, writes a byte and ends.</summary>
    public static byte[] Program { get; } = ElfBuilder.Build(true,
    [
        0xB9, 0xE8, 3, 0, 0, 0xE2, 0xFE, 0x48, 0x8D, 0x74, 0x24, 0xC0, 0x31, 0xFF, 0xBA, 16, 0, 0, 0, 0x31, 0xC0, 0x0F, 0x05,
        0x80, 0x3E, (byte)'C', 0x75, 2, 0x0F, 0x0B, 0xBF, 1, 0, 0, 0, 0xBA, 1, 0, 0, 0, 0xB8, 1, 0, 0, 0, 0x0F, 0x05, 0xBF, 7, 0, 0, 0, 0xB8, 60, 0, 0, 0, 0x0F, 0x05,
    ], upper: 0);

    /// <summary>Of 64 bits: two threads that count, send each other signals and never end.</summary>
    public static byte[] Threads { get; } = ElfBuilder.Build(true, Assemble(64, ElfBuilder.Base + ElfBuilder.ContentOffset, code =>
    {
        const int Clone = 56, GetProcess = 39, SendSignal = 200, Yield = 24, ThreadFlags = 0x10F00;
        Label again = code.CreateLabel();
        code.lea(rsi, __[rsp - 0x8000]);
        code.mov(edi, ThreadFlags);
        code.xor(edx, edx);
        code.mov(eax, Clone);
        code.syscall();
        code.xor(ebx, ebx);
        code.Label(ref again);
        code.inc(ebx);
        code.push(rbx);
        code.pop(rcx);
        code.test(ebx, 0xFFF);
        code.jnz(again);
        code.mov(eax, Yield);
        code.syscall();
        code.test(ebx, 0xFFFF);
        code.jnz(again);
        code.mov(eax, GetProcess);
        code.syscall();
        code.mov(edi, eax);
        // SIGCHLD, which nobody takes.
        code.mov(esi, 17);
        code.mov(eax, SendSignal);
        code.syscall();
        code.jmp(again);
    }), upper: 0);

    /// <summary>Of 32 bits: calls a function with a buffer again and again.</summary>
    static readonly byte[] kernel = Assemble(32, Kernel, code =>
    {
        Label again = code.CreateLabel(), parse = code.CreateLabel();
        code.mov(esp, 0x180000);
        code.Label(ref again);
        code.push(64);
        code.push(0x170000);
        code.call(parse);
        code.add(esp, 8);
        code.jmp(again);
        code.Label(ref parse);
        code.mov(eax, __[esp + 4]);
        code.inc(__dword_ptr[0x160000]);
        code.ret();
    });

    /// <summary>Where the machine's function is.</summary>
    public static ulong Function { get; } = Kernel + (ulong)kernel.AsSpan().IndexOf<byte>([0x8B, 0x44, 0x24, 0x04]);

    /// <summary>The machine; the same one for each snapshot.</summary>
    public static BootMachine Machine() => new(new BootOptions { Kernel = kernel, Memory = 2 << 20, CpuModel = CpuModel.Max.Without(CpuFeature.Rdrand, CpuFeature.Rdseed), Clock = new InstructionClock(), EntropySeed = 0 });

    public static byte[] MachineSnapshot()
    {
        using BootMachine machine = Machine();
        machine.Run(1000);
        using MachineSnapshot snapshot = machine.TakeSnapshot();
        return Save(snapshot);
    }

    /// <summary>The program as it counts.</summary>
    /// <param name="options">Its root has it as "program".</param>
    public static byte[] ProgramSnapshot(LinuxOptions options)
    {
        using LinuxProcess process = new("/program", options);
        process.Run(500);
        using MachineSnapshot snapshot = process.TakeSnapshot();
        return Save(snapshot);
    }

    static byte[] Save(MachineSnapshot snapshot)
    {
        using MemoryStream file = new();
        snapshot.Save(file);
        return file.ToArray();
    }

    static byte[] Assemble(int bits, ulong address, Action<Assembler> write)
    {
        Assembler code = new(bits);
        write(code);
        using MemoryStream stream = new();
        code.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
