using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Micro;

/// <summary>
/// 64-bit code in user mode: a loop of sixteen copies of a body, each of which is one operation, or a whole program. RSI points to data, R15 counts; UD2 ends it.
/// </summary>
sealed class LoopCase : MicroCase
{
    public const ulong Data = 0x1000000;

    const ulong Code = 0x10000, CodeSize = 1 << 20, Stack = 0x800000, StackSize = 1 << 16;
    const int Copies = 16, InvalidOpcode = 6;

    readonly AddressSpace space = new();
    readonly Vcpu cpu;

    /// <param name="name">A short name.</param>
    /// <param name="what">What one operation is.</param>
    /// <param name="program">The whole program, without the UD2 at its end.</param>
    /// <param name="dataSize">Bytes at <see cref="Data"/>.</param>
    public LoopCase(string name, string what, Action<Assembler> program, ulong dataSize = 1 << 20)
        : base(name, what)
    {
        byte[] code = Assemble(program);
        space.Map(Code, CodeSize, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        space.Write(Code, code);
        space.Map(Data, dataSize, PagePermissions.Read | PagePermissions.Write);
        space.Map(Stack, StackSize, PagePermissions.Read | PagePermissions.Write);
        cpu = new Vcpu(CpuModel.Max, space, FastVcpu.CodeSize.Bits64);
    }

    /// <summary>A loop.</summary>
    public static LoopCase Of(string name, string what, Action<Assembler> body, Action<Assembler>? before = null, ulong dataSize = 1 << 20) =>
        new(name, what, c => Loop(c, Operations / Copies, Copies, body, before), dataSize);

    /// <summary>Prints a loop: what comes before it, then rounds of so many copies of the body.</summary>
    public static void Loop(Assembler c, int rounds, int copies, Action<Assembler> body, Action<Assembler>? before = null)
    {
        before?.Invoke(c);
        Label loop = c.CreateLabel();
        c.mov(r15d, rounds);
        c.Label(ref loop);
        for (int i = 0; i < copies; i++)
        {
            body(c);
        }
        c.dec(r15d);
        c.jne(loop);
    }

    public Vcpu Cpu => cpu;

    public override long Run()
    {
        cpu.Regs.Rip = Code;
        cpu.Regs.Rsi = Data;
        cpu.Regs.Rsp = Stack + StackSize / 2;
        VcpuExit exit = cpu.Run();
        return exit.Reason == ExitReason.Exception && exit.Vector == InvalidOpcode
            ? exit.InstructionsRetired
            : throw new InvalidOperationException($"{Name} ended with {exit} at {cpu.Regs.Rip:x}h.");
    }

    public override void Dispose()
    {
        cpu.Dispose();
        space.Dispose();
    }

    static byte[] Assemble(Action<Assembler> program)
    {
        Assembler assembler = new(64);
        program(assembler);
        assembler.ud2();
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), Code);
        return stream.ToArray();
    }
}
