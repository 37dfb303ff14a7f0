using BenchmarkDotNet.Attributes;
using FastVcpu.Decode;
using FastVcpu.Execution;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;
using OurDecoder = FastVcpu.Decode.Decoder;

namespace FastVcpu.Bench.Micro;

/// <summary>Single mechanisms. Times are for one instruction, access, decoding or run.</summary>
public unsafe class MicroBenchmark
{
    const int Rounds = 100_000;
    /// <summary>Length of the instruction in front of each loop.</summary>
    const ulong Prologue = 10;
    const ulong Code = 0x10000, Data = 0x1000000;
    const ulong DataSize = 16 << 20;

    readonly AddressSpace space = new();
    Vcpu cpu = null!;
    byte[] instructions = null!;
    ulong dispatch, hit, miss, rewritten;

    /// <summary>Assembles the loops.</summary>
    [GlobalSetup]
    public void Load()
    {
        space.Map(Code, 4 * AddressSpace.PageSize, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        space.Map(Data, DataSize, PagePermissions.Read | PagePermissions.Write);
        dispatch = Place(0, c => c.add(rax, rbx));
        hit = Place(1, c => c.mov(rax, __qword_ptr[rsi]));
        miss = Place(2, c =>
        {
            // A page further each time: the reach of any TLB is left behind.
            c.mov(rax, __qword_ptr[rsi]);
            c.add(rsi, 4096 + 64);
            c.and(rsi, (int)(DataSize - 1));
            c.or(rsi, (int)Data);
        });
        rewritten = Place(3, c => c.add(rax, rbx));
        instructions = Assemble(Code, c =>
        {
            c.mov(rax, __qword_ptr[rsi + rbx * 4 + 16]);
            c.add(eax, 5);
            c.push(rbp);
            c.movaps(xmm1, xmm2);
            c.imul(r8, r9, 300);
            c.lea(rdi, __[rsp + 8]);
            c.test(al, al);
            c.nop();
        });
        cpu = new Vcpu(CpuModel.Max, space, CodeSize.Bits64);
    }

    /// <summary>Decodes eight instructions of different kinds.</summary>
    [Benchmark(OperationsPerInvoke = 8)]
    public int Decode()
    {
        Op op;
        int at = 0;
        while (at < instructions.Length)
        {
            OurDecoder.Decode(instructions.AsSpan(at), Code, cpu.State->Mode, cpu.Features, &op, out Decoded decoded);
            at += decoded.Length;
        }

        return at;
    }

    /// <summary>Additions of registers, one after the other.</summary>
    [Benchmark(OperationsPerInvoke = 16 * Rounds)]
    public long Dispatch() => Run(dispatch);

    /// <summary>Loads from one address.</summary>
    [Benchmark(OperationsPerInvoke = 16 * Rounds)]
    public long TlbHit() => Run(hit);

    /// <summary>Loads that are a page apart, with three instructions for each that compute the address.</summary>
    [Benchmark(OperationsPerInvoke = 16 * Rounds)]
    public long TlbMiss() => Run(miss);

    /// <summary>A run of one instruction: what a single step costs.</summary>
    [Benchmark]
    public long SingleStep()
    {
        cpu.Regs.Rip = dispatch + Prologue;
        return cpu.Run(1).InstructionsRetired;
    }

    /// <summary>The host rewrites an instruction and runs it.</summary>
    [Benchmark]
    public long RewriteAndRun()
    {
        space.Write(rewritten + Prologue, (byte)0x48);
        cpu.Regs.Rip = rewritten + Prologue;
        return cpu.Run(1).InstructionsRetired;
    }

    /// <summary>Creates a vCPU, runs one instruction and disposes it.</summary>
    [Benchmark]
    public long CreateRunDispose()
    {
        using Vcpu other = new(CpuModel.Max, space, CodeSize.Bits64);
        other.Regs.Rip = dispatch + Prologue;
        return other.Run(1).InstructionsRetired;
    }

    /// <summary>Returns the memory.</summary>
    [GlobalCleanup]
    public void Unload()
    {
        cpu.Dispose();
        space.Dispose();
    }

    long Run(ulong loop)
    {
        cpu.Regs.Rip = loop;
        cpu.Regs.Rsi = Data;
        return cpu.Run().InstructionsRetired;
    }

    /// <summary>A loop of sixteen times <paramref name="body"/>, ended by an instruction that faults.</summary>
    ulong Place(int page, Action<Assembler> body)
    {
        ulong address = Code + (ulong)page * AddressSpace.PageSize;
        space.Write(address, Assemble(address, c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rcx, 0x1_0000_0000L + Rounds);
            c.Label(ref loop);
            for (int i = 0; i < 16; i++)
            {
                body(c);
            }

            c.dec(ecx);
            c.jne(loop);
            c.ud2();
        }));
        return address;
    }

    static byte[] Assemble(ulong address, Action<Assembler> code)
    {
        Assembler assembler = new(64);
        code(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
