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

    /// <summary>Of 64 bits: a pipe, a pair of sockets and an event counter, all with something in them; a thread that waits for the empty end of the sockets, one that sleeps, and one that counts.</summary>
    public static byte[] Queues { get; } = ElfBuilder.Build(true, Assemble(64, ElfBuilder.Base + ElfBuilder.ContentOffset, code =>
    {
        const int Read = 0, Write = 1, Pipe = 22, Sleep = 35, SocketPair = 53, Clone = 56, EventCounter = 290, ThreadFlags = 0x10F00;
        Label again = code.CreateLabel(), reader = code.CreateLabel(), sleeper = code.CreateLabel();
        void Call(int number, long first = 0, long second = 0, long third = 0)
        {
            code.mov(rdi, first);
            code.mov(edx, (int)third);
            if (second != 0)
            {
                code.mov(rsi, second);
            }
            code.mov(eax, number);
            code.syscall();
        }
        code.mov(rbp, rsp);
        code.lea(rdi, __[rbp - 64]);
        code.mov(eax, Pipe);
        code.syscall();
        code.mov(edi, 1);
        code.mov(esi, 1);
        code.xor(edx, edx);
        code.lea(r10, __[rbp - 56]);
        code.mov(eax, SocketPair);
        code.syscall();
        code.lea(rsi, __[rbp - 64]);
        Call(Write, 4, third: 30);
        Call(Write, 5, third: 20);
        Call(EventCounter, 7, 1);
        foreach (Label start in new[] { reader, sleeper })
        {
            code.lea(rsi, __[rsp - 0x4000]);
            code.mov(rsp, rsi);
            Call(Clone, ThreadFlags);
            code.test(eax, eax);
            code.je(start);
        }
        code.Label(ref again);
        code.inc(ebx);
        code.jmp(again);
        code.Label(ref reader);
        code.lea(rsi, __[rbp - 128]);
        Call(Read, 5, third: 50);
        code.jmp(again);
        code.Label(ref sleeper);
        code.mov(__qword_ptr[rbp - 32], 1);
        code.lea(rdi, __[rbp - 32]);
        code.xor(esi, esi);
        code.mov(eax, Sleep);
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

    /// <summary>A program as it counts.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="options">Its root, and what else it is given.</param>
    /// <param name="instructions">How far it gets.</param>
    public static byte[] ProgramSnapshot(string path, LinuxOptions options, long instructions)
    {
        using LinuxProcess process = new(path, options);
        process.Run(instructions);
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
