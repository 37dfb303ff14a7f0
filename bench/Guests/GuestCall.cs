namespace FastVcpu.Bench.Guests;

/// <summary>What a run of a guest program has besides the program.</summary>
enum Extra
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>An exact limit of instructions, far away.</summary>
    Limit,

    /// <summary>A coverage map.</summary>
    Coverage,

    /// <summary>A coverage map of edges only.</summary>
    Edges,
}

/// <summary>A flat guest program on a vCPU in user mode, through the public API only: code at 0x400000, data at 0x800000, the iteration count in RDI.</summary>
sealed class GuestCall : IDisposable
{
    const ulong Code = 0x400000, Data = 0x800000, DataSize = 4 << 20, Stack = 0x2000000, StackSize = 1 << 20, ReturnAddress = 0x3000000;
    const long FarAway = 1L << 60;

    readonly AddressSpace space = new();
    readonly CoverageMap? coverage;
    readonly long limit;

    public GuestCall(string file, int bits, Extra extra = Extra.None)
    {
        byte[] code = File.ReadAllBytes(file);
        space.Map(Code, (ulong)code.Length, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Code, code);
        space.Map(Data, DataSize, PagePermissions.Read | PagePermissions.Write);
        space.Map(Stack, StackSize, PagePermissions.Read | PagePermissions.Write);
        Cpu = new Vcpu(CpuModel.Max, space, bits == 64 ? CodeSize.Bits64 : CodeSize.Bits32);
        if (extra is Extra.Coverage or Extra.Edges)
        {
            Cpu.Coverage = coverage = extra == Extra.Edges ? MapOfEdges() : new CoverageMap();
        }
        limit = extra == Extra.Limit ? FarAway : long.MaxValue;
    }

    /// <summary>A method of its own, as older libraries do not have the property.</summary>
    static CoverageMap MapOfEdges() => new() { RecordsBlocks = false };

    public Vcpu Cpu { get; }

    /// <summary>Calls the program; the checksum is in RAX afterwards.</summary>
    /// <returns>Instructions retired.</returns>
    public long Call(long iterations)
    {
        Cpu.Regs.Rsp = Stack + StackSize - 64;
        space.Write(Cpu.Regs.Rsp, ReturnAddress);
        Cpu.Regs.Rdi = (ulong)iterations;
        Cpu.Regs.Rip = Code;
        VcpuExit exit = Cpu.Run(limit);
        return Cpu.Regs.Rip == ReturnAddress
            ? exit.InstructionsRetired
            : throw new ArgumentException($"The guest ended with {exit} at {Cpu.Regs.Rip:x}h and did not return.");
    }

    public void Dispose()
    {
        Cpu.Dispose();
        coverage?.Dispose();
        space.Dispose();
    }
}
