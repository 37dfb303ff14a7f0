using Iced.Intel;

namespace FastVcpu.Tests;

/// <summary>
/// A small user-mode guest for tests: code, data and stack at fixed addresses, one vCPU. The code ends with UD2, so that a run without a fault
/// ends at <see cref="CodeEnd"/> with #UD, and the number of retired instructions is the code's own.
/// </summary>
sealed class Guest : IDisposable
{
    public const ulong Code = 0x10000, Data = 0x20000, Stack = 0x40000;
    public const ulong DataSize = 0x10000, StackSize = 0x10000;
    public const int InvalidOpcode = 6, GeneralProtection = 13, PageFault = 14, AlignmentCheck = 17;

    public Guest(int bits, Action<Assembler> code, CpuModel? model = null)
        : this(bits, Assemble(bits, code), model)
    {
    }

    public Guest(int bits, byte[] code, CpuModel? model = null)
    {
        CodeEnd = Code + (ulong)code.Length;
        Space = new AddressSpace();
        Space.Map(Code, (ulong)code.Length + 2, PagePermissions.Read | PagePermissions.Execute);
        Space.Write(Code, code);
        Space.Write(CodeEnd, [0x0F, 0x0B]);
        Space.Map(Data, DataSize, PagePermissions.Read | PagePermissions.Write);
        Space.Map(Stack, StackSize, PagePermissions.Read | PagePermissions.Write);
        Cpu = new Vcpu(model ?? CpuModel.Max, Space, bits == 64 ? CodeSize.Bits64 : CodeSize.Bits32);
        Rewind();
    }

    public AddressSpace Space { get; }

    public Vcpu Cpu { get; }

    public RegisterFile Regs => Cpu.Regs;

    /// <summary>The last exit.</summary>
    public VcpuExit Exit { get; private set; }

    /// <summary>Where the code ends.</summary>
    public ulong CodeEnd { get; }

    /// <summary>The code ran to its end.</summary>
    public bool IsDone => Exit.Reason == ExitReason.Exception && Exit.Vector == InvalidOpcode && Regs.Rip == CodeEnd;

    /// <summary>Runs 64-bit code to its end.</summary>
    public static Guest Run64(Action<Assembler> code) => new Guest(64, code).RunToEnd();

    /// <summary>Runs 32-bit code to its end.</summary>
    public static Guest Run32(Action<Assembler> code) => new Guest(32, code).RunToEnd();

    /// <summary>Runs 64-bit code that is to fault.</summary>
    public static Guest Fault64(Action<Assembler> code) => new Guest(64, code).Run();

    /// <summary>Runs 32-bit code that is to fault.</summary>
    public static Guest Fault32(Action<Assembler> code) => new Guest(32, code).Run();

    /// <summary>Instruction pointer to the start, stack pointer to the top of the stack, other registers as they are.</summary>
    public void Rewind()
    {
        Regs.Rip = Code;
        Regs.Rsp = Stack + StackSize / 2;
    }

    public Guest Run(long instructions = long.MaxValue)
    {
        Exit = Cpu.Run(instructions);
        return this;
    }

    public Guest RunToEnd()
    {
        Run();
        Assert.True(IsDone, $"{Exit} at {Regs.Rip:x}");
        return this;
    }

    /// <summary>The general registers, RIP and RFLAGS, for comparisons.</summary>
    public ulong[] Registers => [.. Enumerable.Range(0, 16).Select(i => Regs[i]), Regs.Rip, Regs.Rflags];

    public void Dispose()
    {
        Cpu.Dispose();
        Space.Dispose();
    }

    public static byte[] Assemble(int bits, Action<Assembler> code, ulong address = Code)
    {
        Assembler assembler = new(bits);
        code(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
