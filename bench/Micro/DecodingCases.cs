using FastVcpu.Decode;
using FastVcpu.Execution;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;
using OurDecoder = FastVcpu.Decode.Decoder;

namespace FastVcpu.Bench.Micro;

/// <summary>The decoder by itself: eight kinds of instructions in turn.</summary>
sealed unsafe class DecoderCase : MicroCase
{
    const ulong Address = 0x10000;

    readonly AddressSpace space = new();
    readonly Vcpu cpu;
    readonly byte[] code;

    public DecoderCase()
        : base("decoder", "one instruction decoded, nothing else")
    {
        cpu = new Vcpu(CpuModel.Max, space, CodeSize.Bits64);
        Assembler c = new(64);
        Mixture(c);
        using MemoryStream stream = new();
        c.Assemble(new StreamCodeWriter(stream), Address);
        code = stream.ToArray();
    }

    /// <summary>Eight instructions.</summary>
    public static void Mixture(Assembler c)
    {
        c.mov(rax, __qword_ptr[rsi + rbx * 4 + 16]);
        c.add(eax, 5);
        c.push(rbp);
        c.movaps(xmm1, xmm2);
        c.imul(r8, r9, 300);
        c.lea(rdi, __[rsp + 8]);
        c.pop(rbp);
        c.test(al, al);
    }

    public override long Run()
    {
        Op op;
        for (int i = 0; i < Operations;)
        {
            for (int at = 0; at < code.Length; i++)
            {
                OurDecoder.Decode(code.AsSpan(at), Address, cpu.State->Mode, cpu.Features, &op, out Decoded decoded);
                at += decoded.Length;
            }
        }
        return 0;
    }

    public override void Dispose()
    {
        cpu.Dispose();
        space.Dispose();
    }
}

/// <summary>Code that nobody has run: decoded, made into blocks of eight instructions and run once.</summary>
sealed class ColdCodeCase() : MicroCase("cold code", "one instruction decoded, put into a block of nine, and run")
{
    readonly LoopCase loop = new("", "", c =>
    {
        const int InBlock = 9;
        c.xor(ebx, ebx);
        for (int i = 0; i < Operations / InBlock; i++)
        {
            Label next = c.CreateLabel();
            DecoderCase.Mixture(c);
            c.jmp(next);
            c.Label(ref next);
        }
    });

    public override long Run()
    {
        loop.Cpu.Blocks.Clear();
        return loop.Run();
    }

    public override void Dispose() => loop.Dispose();
}

/// <summary>The host rewrites an instruction, which drops its block, and runs it.</summary>
sealed class RewriteCase() : MicroCase("host rewrites", "the host writes one byte of code and runs one instruction of a block of two")
{
    readonly LoopCase loop = new("", "", c =>
    {
        Label end = c.CreateLabel();
        c.nop();
        c.jmp(end);
        c.Label(ref end);
    });

    public override long Run()
    {
        const byte Nop = 0x90;
        long retired = loop.Run();
        // The UD2 at the end is behind a NOP and a short JMP.
        ulong start = loop.Cpu.Regs.Rip - 3;
        for (int i = 0; i < Operations; i++)
        {
            loop.Cpu.Space!.Write(start, Nop);
            loop.Cpu.Regs.Rip = start;
            retired += loop.Cpu.Run(1).InstructionsRetired;
        }
        return retired;
    }

    public override void Dispose() => loop.Dispose();
}
