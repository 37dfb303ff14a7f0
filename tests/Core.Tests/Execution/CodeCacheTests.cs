using FastVcpu.Bench.CodeCache;
using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>A cache of decoded code that is too small for the program: it makes room piece by piece, and the program does not notice.</summary>
public sealed class CodeCacheTests
{
    const long Smallest = 64 << 10;
    const ulong Base = 0x400000, Data = 0x800000, Stack = 0x2000000, Return = 0x3000000;
    const int Functions = 1500;

    [Theory]
    [InlineData(CodeSize.Bits64, false)]
    [InlineData(CodeSize.Bits64, true)]
    [InlineData(CodeSize.Bits32, false)]
    public void ManyFunctionsComputeTheSameInCachesOfAnySize(CodeSize size, bool inOrder)
    {
        byte[] code = BigCode.Generate(Functions, inOrder);
        using Machine large = new(code, size, 64 << 20);
        ulong expected = large.Call(10);
        Assert.Equal(0, large.Cpu.CodeCacheEvictions);
        foreach (long limit in new[] { Smallest, 3 * Smallest, 1 << 20 })
        {
            using Machine small = new(code, size, limit);
            Assert.Equal(expected, small.Call(10));
            Assert.Equal(large.Retired, small.Retired);
            Assert.True(small.Cpu.CodeCacheEvictions > 0, $"{limit}: nothing was emptied");
            Assert.InRange(small.Cpu.CodeCacheBytes, 1, limit);
        }
    }

    [Fact]
    public void WhatIsEmptiedIsAPiece()
    {
        using Machine machine = new(BigCode.Generate(Functions), CodeSize.Bits64, 1 << 20);
        machine.Call(10);
        Assert.InRange(machine.Cpu.BlocksDecoded / machine.Cpu.CodeCacheEvictions, 1, 300);
    }

    [Fact]
    public void HotBlocksFusedAndLinkedSurviveTheirNeighboursGoing()
    {
        byte[] code = BigCode.Generate(Functions);
        using Machine machine = new(code, CodeSize.Bits64, 64 << 20);
        (machine.Cpu.Blocks.HotCount, machine.Cpu.Blocks.WaitsForFusion) = (3, true);
        ulong expected = machine.Call(30);
        using Machine small = new(code, CodeSize.Bits64, 2 * Smallest);
        (small.Cpu.Blocks.HotCount, small.Cpu.Blocks.WaitsForFusion) = (3, true);
        Assert.Equal(expected, small.Call(30));
    }

    [Fact]
    public void ALowerLimitTakesHoldAtOnce()
    {
        byte[] code = BigCode.Generate(Functions, stores: false);
        using Machine machine = new(code, CodeSize.Bits64, 64 << 20);
        ulong first = machine.Call(3);
        machine.Cpu.CodeCacheLimit = Smallest;
        Assert.Equal(0, machine.Cpu.CodeCacheBytes);
        Assert.Equal(first, machine.Call(3));
        Assert.Equal(Smallest, machine.Cpu.CodeCacheBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => machine.Cpu.CodeCacheLimit = Smallest - 1);
    }

    [Fact]
    public void CoverageKeepsTheBlocksThatHaveGone()
    {
        byte[] code = BigCode.Generate(Functions);
        using CoverageMap all = new(), some = new();
        using Machine large = new(code, CodeSize.Bits64, 64 << 20), small = new(code, CodeSize.Bits64, Smallest);
        large.Cpu.Coverage = all;
        small.Cpu.Coverage = some;
        large.Call(2);
        small.Call(2);
        Assert.Equal(all.Blocks, some.Blocks);
        Assert.Equal(all.Edges.ToArray(), some.Edges.ToArray());
    }

    [Theory]
    [InlineData(CodeSize.Bits64)]
    [InlineData(CodeSize.Bits32)]
    public void HotBlocksRecordTheCoverageThatColdOnesDo(CodeSize size)
    {
        byte[] code = BigCode.Generate(200);
        using CoverageMap cold = new(), hot = new();
        using Machine first = new(code, size, 64 << 20), second = new(code, size, 64 << 20);
        first.Cpu.Coverage = cold;
        second.Cpu.Coverage = hot;
        (second.Cpu.Blocks.HotCount, second.Cpu.Blocks.WaitsForFusion) = (3, true);
        Assert.Equal(first.Call(40), second.Call(40));
        Assert.Equal(cold.Blocks, hot.Blocks);
        Assert.Equal(cold.Edges.ToArray(), hot.Edges.ToArray());
        // And once more from the start, without the counters.
        cold.Clear();
        hot.Clear();
        Assert.Equal(first.Call(1), second.Call(1));
        Assert.Equal(cold.Blocks, hot.Blocks);
        Assert.Equal(cold.Edges.ToArray(), hot.Edges.ToArray());
    }

    [Fact]
    public void ExactLimitsHoldWhileTheCacheOverflows()
    {
        byte[] code = BigCode.Generate(Functions);
        using Machine machine = new(code, CodeSize.Bits64, 64 << 20), small = new(code, CodeSize.Bits64, Smallest);
        machine.Prepare(2);
        small.Prepare(2);
        Random random = new(1);
        while (machine.Cpu.Regs.Rip != Return)
        {
            long count = random.Next(1, 3000);
            Assert.Equal(machine.Cpu.Run(count).InstructionsRetired, small.Cpu.Run(count).InstructionsRetired);
            Assert.Equal((machine.Cpu.Regs.Rip, machine.Cpu.Regs.Rsi), (small.Cpu.Regs.Rip, small.Cpu.Regs.Rsi));
        }
    }

    /// <summary>Calls code that another piece of code changes before each call, with enough other code in between to empty the cache again and again.</summary>
    [Fact]
    public void CodeThatChangesItselfInAnOverflowingCacheRunsAsWritten()
    {
        byte[] code = BigCode.Generate(Functions);
        using Machine machine = new(code, CodeSize.Bits64, Smallest, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        const ulong Changing = 0x1000000;
        machine.Space.Map(Changing, 8192, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        ulong function = Base + 4096;
        // The routine and its caller cross a page; each round changes the operand of the ADD behind the change, and the one in the routine.
        Assembler c = new(64);
        Label loop = c.CreateLabel(), routine = c.CreateLabel(), patched = c.CreateLabel();
        c.mov(r12d, 400);
        c.xor(r13d, r13d);
        c.mov(ebp, (uint)Data);
        c.mov(r14d, (uint)function);
        c.Label(ref loop);
        c.lea(rbx, __[patched]);
        c.mov(__dword_ptr[rbx + 3], r12d);
        c.nop();
        c.Label(ref patched);
        c.add(r13, 0x7FFFFFFF);
        c.lea(rbx, __[routine]);
        c.mov(__byte_ptr[rbx + 3], r12b);
        c.call(routine);
        c.call(r14);
        c.add(r14d, 37 * BigCode.FunctionSize);
        c.mov(eax, r14d);
        c.sub(eax, (uint)function);
        c.cmp(eax, Functions * BigCode.FunctionSize - 37 * BigCode.FunctionSize);
        Label inside = c.CreateLabel();
        c.jb(inside);
        c.sub(r14d, Functions * BigCode.FunctionSize - 38 * BigCode.FunctionSize);
        c.Label(ref inside);
        c.dec(r12d);
        c.jne(loop);
        c.mov(rax, r13);
        c.ret();
        c.Label(ref routine);
        c.add(r13, 1);
        c.ret();
        using MemoryStream stream = new();
        ulong start = Changing + 4096 - 40;
        c.Assemble(new StreamCodeWriter(stream), start);
        machine.Space.Write(start, stream.ToArray());
        ulong expected = 0;
        for (int i = 400; i > 0; i--)
        {
            expected += (ulong)i + (ulong)(sbyte)i;
        }
        Assert.Equal(expected, machine.Call(0, start));
        Assert.True(machine.Cpu.CodeCacheEvictions > 10);
    }

    [Fact]
    public void TwoCpusThatDropEachOthersCodeComputeWhatOneDoes()
    {
        byte[] code = BigCode.Generate(Functions, stores: false);
        using Machine alone = new(code, CodeSize.Bits64, 64 << 20);
        ulong expected = alone.Call(20);
        using Machine one = new(code, CodeSize.Bits64, Smallest, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute), two = new(one, 3 * Smallest);
        bool stop = false;
        Thread writer = new(() =>
        {
            for (int i = 0; !Volatile.Read(ref stop); i = (i + 1) % Functions)
            {
                int start = 4096 + i * BigCode.FunctionSize;
                one.Space.Write(Base + (ulong)start, code.AsSpan(start, 64));
            }
        });
        ulong first = 0, second = 0;
        Thread[] runners = [new(() => first = one.Call(20)), new(() => second = two.Call(20))];
        writer.Start();
        Array.ForEach(runners, r => r.Start());
        Array.ForEach(runners, r => r.Join());
        Volatile.Write(ref stop, true);
        writer.Join();
        Assert.Equal((expected, expected), (first, second));
    }

    sealed class Machine : IDisposable
    {
        public Machine(byte[] code, CodeSize size, long limit, PagePermissions permissions = PagePermissions.Read | PagePermissions.Execute)
        {
            Space = new AddressSpace();
            Space.Map(Base, (ulong)(code.Length + 4095) & ~4095UL, permissions);
            Space.Write(Base, code);
            Space.Map(Data, 4 << 20, PagePermissions.Read | PagePermissions.Write);
            Space.Map(Stack, 1 << 20, PagePermissions.Read | PagePermissions.Write);
            Cpu = new Vcpu(CpuModel.Max, Space, size) { CodeCacheLimit = limit };
        }

        /// <summary>Another vCPU on the same memory.</summary>
        public Machine(Machine other, long limit)
        {
            Space = other.Space;
            Cpu = new Vcpu(CpuModel.Max, Space, CodeSize.Bits64) { CodeCacheLimit = limit };
        }

        public AddressSpace Space { get; }

        public Vcpu Cpu { get; }

        public long Retired { get; private set; }

        public void Prepare(int iterations, ulong entry = Base)
        {
            Cpu.Regs.Rip = entry;
            Cpu.Regs.Rsp = Stack + (1 << 19);
            Cpu.Regs.Rdi = (ulong)iterations;
            Space.Write(Cpu.Regs.Rsp, Return);
        }

        public ulong Call(int iterations, ulong entry = Base)
        {
            Prepare(iterations, entry);
            VcpuExit exit = Cpu.Run();
            Retired = exit.InstructionsRetired;
            Assert.Equal((ExitReason.Exception, Return), (exit.Reason, Cpu.Regs.Rip));
            return (uint)Cpu.Regs.Rax;
        }

        public void Dispose() => Cpu.Dispose();
    }
}
