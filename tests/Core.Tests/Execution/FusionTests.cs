using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>
/// Hot code runs through fused handlers, whose halves share registers, flags and addresses. Whatever it does, and wherever it stops, its state is
/// that of the same instructions run one by one, which are never fused.
/// </summary>
public sealed class FusionTests
{
    /// <summary>Enough to become hot; a pointer that moves by <see cref="Stride"/> leaves the data after about as many again.</summary>
    const int Rounds = 2500, Stride = 40, HotCount = 500;

    public static TheoryData<int, int> Programs()
    {
        TheoryData<int, int> data = [];
        for (int seed = 0; seed < 60; seed++)
        {
            data.Add(64, seed);
            data.Add(32, seed);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void HotCodeDoesWhatSingleStepsDo(int bits, int seed)
    {
        using Guest hot = Prepare(bits, seed), stepped = Prepare(bits, seed);
        hot.Run();
        long length = hot.Exit.InstructionsRetired, retired = 0;
        Assert.Equal(ExitReason.Exception, hot.Exit.Reason);
        long limit = new Random(seed).NextInt64(length / 2, length);
        using (Guest limited = Prepare(bits, seed))
        {
            limited.Run(limit);
            retired = Step(stepped, limit);
            Assert.Equal((limit, limit), (retired, limited.Exit.InstructionsRetired));
            AssertEqual(stepped, limited);
        }
        retired += Step(stepped, long.MaxValue);
        Assert.Equal(length, retired);
        Assert.Equal((stepped.Exit.Reason, stepped.Exit.Vector, stepped.Exit.Address), (hot.Exit.Reason, hot.Exit.Vector, hot.Exit.Address));
        AssertEqual(stepped, hot);
    }

    static long Step(Guest guest, long limit)
    {
        long retired = 0;
        do
        {
            retired += guest.Run(1).Exit.InstructionsRetired;
        }
        while (guest.Exit.Reason == ExitReason.InstructionLimit && retired < limit);
        return retired;
    }

    static void AssertEqual(Guest expected, Guest actual)
    {
        Assert.Equal(expected.Registers, actual.Registers);
        Assert.Equal(Rest(expected), Rest(actual));
    }

    static string Rest(Guest guest)
    {
        byte[] data = new byte[Guest.DataSize], stack = new byte[Guest.StackSize];
        guest.Space.Read(Guest.Data, data);
        guest.Space.Read(Guest.Stack, stack);
        string vectors = string.Join(" ", Enumerable.Range(0, 8).Select(i => Convert.ToHexString(guest.Cpu.VectorRegister(i)[..16])));
        return $"{Convert.ToHexString(System.Security.Cryptography.SHA1.HashData([.. data, .. stack]))} {vectors} {guest.Cpu.Fpu.Mxcsr:x}";
    }

    static Guest Prepare(int bits, int seed)
    {
        Random random = new(seed * 2 + bits / 64);
        Guest guest = new(bits, c => Write(c, bits, random));
        byte[] data = new byte[Guest.DataSize];
        random.NextBytes(data);
        // Numbers that floating point likes, in part.
        for (int i = 0; i < 0x2000; i += 8)
        {
            BitConverter.TryWriteBytes(data.AsSpan(i), i % 24 == 0 ? random.NextDouble() * 100 : random.Next(1000));
        }
        guest.Space.Write(Guest.Data, data);
        for (int i = 0; i < 8; i++)
        {
            if (i != 4)
            {
                guest.Regs[i] = (uint)random.Next();
            }
        }
        (guest.Cpu.Blocks.HotCount, guest.Cpu.Blocks.WaitsForFusion) = (HotCount, true);
        guest.Regs.Rsi = Guest.Data + 0x100;
        guest.Regs.Rdi = Guest.Data + 0x4000;
        guest.Regs.Rcx = Rounds;
        return guest;
    }

    static void Write(Assembler c, int bits, Random random)
    {
        Label loop = c.CreateLabel();
        c.Label(ref loop);
        int count = random.Next(5, 16);
        for (int i = 0; i < count; i++)
        {
            One(c, bits, random);
        }
        if (random.Next(2) == 0)
        {
            if (bits == 64)
            {
                c.add(rsi, Stride);
            }
            else
            {
                c.add(esi, Stride);
            }
        }
        c.dec(ecx);
        c.jne(loop);
    }

    static void One(Assembler c, int bits, Random random)
    {
        AssemblerRegister32[] registers = [eax, ebx, edx, ebp];
        AssemblerRegister64[] wide = [rax, rbx, rdx, rbp];
        AssemblerRegister8[] low = [al, bl, dl, ah];
        AssemblerRegisterXMM[] vectors = [xmm0, xmm1, xmm2];
        int a = random.Next(4), b = random.Next(4), disp = random.Next(0, 64);
        AssemblerRegister32 x = registers[a], y = registers[b];
        AssemblerRegisterXMM v = vectors[random.Next(3)], w = vectors[random.Next(3)];
        bool is64 = bits == 64;
        AssemblerMemoryOperand source = is64 ? rsi + disp : esi + disp, target = is64 ? rdi + disp : edi + disp;
        AssemblerMemoryOperand table = is64 ? rdi + wide[a] * 4 : edi + x * 4;
        bool isWide = is64 && random.Next(2) == 0;
        switch (random.Next(34))
        {
            case 0: if (isWide) c.mov(wide[a], wide[b]); else c.mov(x, y); break;
            case 1: if (isWide) c.mov(wide[a], __qword_ptr[source]); else c.mov(x, __dword_ptr[source]); break;
            case 2: if (isWide) c.mov(__qword_ptr[target], wide[a]); else c.mov(__dword_ptr[target], x); break;
            case 3: if (isWide) c.add(wide[a], wide[b]); else c.add(x, y); break;
            case 4: if (isWide) c.sub(wide[a], disp); else c.sub(x, disp); break;
            case 5: c.movzx(x, __byte_ptr[source]); break;
            case 6: c.movzx(x, __byte_ptr[source]); c.mov(y, __dword_ptr[table]); break;
            case 7: c.movzx(x, low[a]); break;
            case 8: if (is64) c.movsxd(wide[a], y); else c.mov(x, y); break;
            case 9: if (is64) { c.lea(wide[a], __[rsi + disp]); c.mov(y, __dword_ptr[wide[a] + 4]); } else { c.lea(x, __[esi + disp]); c.mov(y, __dword_ptr[x + 4]); } break;
            case 10: c.lea(x, __[source]); break;
            case 11: c.xor(x, y); break;
            case 12: c.and(x, 0x7F); break;
            case 13: c.or(x, y); break;
            case 14: c.shr(x, (byte)disp); break;
            case 15: c.shl(x, (byte)(disp & 7)); break;
            case 16: c.imul(x, y); break;
            case 17: c.inc(x); break;
            case 18: c.dec(x); break;
            case 19: c.cmp(x, y); Skip(c, random, x); break;
            case 20: c.test(x, x); Skip(c, random, y); break;
            case 21: c.cmp(__dword_ptr[source], x); Skip(c, random, x); break;
            case 22: c.cmp(__byte_ptr[source], 100); Skip(c, random, y); break;
            case 23: c.sub(x, y); Skip(c, random, y); break;
            case 24: if (is64) { c.push(wide[a]); c.push(wide[b]); c.pop(wide[a]); c.pop(wide[b]); } else { c.push(x); c.push(y); c.pop(x); c.pop(y); } break;
            case 25: c.mov(__byte_ptr[target], low[a]); break;
            case 26: c.mov(low[a], __byte_ptr[source]); break;
            case 27: c.xor(x, __dword_ptr[source]); break;
            case 28: c.mov(x, disp); c.add(x, y); break;
            case 29: c.movsd(v, __qword_ptr[source]); c.mulsd(v, w); c.addsd(w, v); break;
            case 30: c.movupd(v, __xmmword_ptr[source]); c.mulpd(v, w); c.addpd(w, v); break;
            case 31: c.movsd(v, __qword_ptr[source]); c.unpcklpd(v, v); c.movups(__xmmword_ptr[target], v); break;
            case 32: c.adc(x, y); c.mov(y, x); break;
            default: c.setc(low[a]); break;
        }
    }

    /// <summary>A branch over an instruction, on any condition.</summary>
    static void Skip(Assembler c, Random random, AssemblerRegister32 x)
    {
        Label over = c.CreateLabel();
        Action<Label>[] branches = [c.jo, c.jno, c.jb, c.jae, c.je, c.jne, c.jbe, c.ja, c.js, c.jns, c.jp, c.jnp, c.jl, c.jge, c.jle, c.jg];
        branches[random.Next(16)](over);
        c.not(x);
        c.Label(ref over);
        c.nop();
    }
}
