using FastVcpu.Fuzzing;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>What a crash by a system call, or in a runtime, is called after: its callers, however they came there.</summary>
public class BucketTests
{
    const ulong Code = 0x400000, Stack = 0x800000, Input = 0x900000, Runtime = Code + 0x1000;

    [Theory]
    [InlineData(CodeSize.Bits64)]
    [InlineData(CodeSize.Bits32)]
    public void CallersTellCrashesByASystemCallApart(CodeSize size)
    {
        string[] buckets = [.. new[] { "A", "Axx", "B", "C\u0001", "C\u0005" }.Select(input => Run(size, input).Bucket)];
        Assert.Equal(buckets[0], buckets[1]);
        Assert.Equal(buckets[3], buckets[4]);
        Assert.Equal(3, buckets.Distinct().Count());
        Assert.All(buckets, bucket => Assert.Matches("^(systemcall|softwareinterrupt)-from-code\\+[0-9a-f]+(-code\\+[0-9a-f]+)*$", bucket));
        // The recursive call is there once, whatever the depth.
        Assert.Equal(3, buckets[3].Split("code").Length);
    }

    [Fact]
    public void ACallThatHasReturnedIsNoCaller()
    {
        FuzzResult result = Run(CodeSize.Bits64, "R");
        Assert.Equal(2, result.Bucket.Split("code").Length);
    }

    static FuzzResult Run(CodeSize size, string input)
    {
        using AddressSpace space = new();
        space.Map(Code, 0x2000, PagePermissions.Read | PagePermissions.Execute);
        space.Map(Stack, 0x10000, PagePermissions.Read | PagePermissions.Write);
        space.Map(Input, 0x1000, PagePermissions.Read | PagePermissions.Write);
        Assembler runtime = new((int)size), code = new((int)size);
        // abort: a call of its own, and the system call.
        Label inner = runtime.CreateLabel();
        runtime.call(inner);
        runtime.Label(ref inner);
        runtime.call((ulong)Runtime + 16);
        Pad(runtime, 16);
        if (size == CodeSize.Bits64)
        {
            runtime.syscall();
        }
        else
        {
            runtime.@int(0x80);
        }
        Write(space, runtime, Runtime);

        Label first = code.CreateLabel(), second = code.CreateLabel(), third = code.CreateLabel(), again = code.CreateLabel(), nothing = code.CreateLabel(), returns = code.CreateLabel();
        foreach ((char letter, Label target) in new[] { ('A', first), ('B', second), ('C', third), ('R', returns) })
        {
            code.cmp(__byte_ptr[Input], letter);
            code.je(target);
        }
        code.Label(ref first);
        code.call(Runtime);
        code.Label(ref second);
        code.call(Runtime);
        code.Label(ref third);
        code.movzx(ecx, __byte_ptr[Input + 1]);
        code.Label(ref again);
        code.dec(ecx);
        Label deep = code.CreateLabel();
        code.js(deep);
        code.call(again);
        code.Label(ref deep);
        code.call(Runtime);
        code.Label(ref returns);
        code.call(nothing);
        // Deeper than the call was.
        if (size == CodeSize.Bits64)
        {
            code.sub(rsp, 64);
        }
        code.call(Runtime);
        code.Label(ref nothing);
        code.ret();
        Write(space, code, Code);

        using Vcpu cpu = new(CpuModel.Max, space, size);
        cpu.Regs.Rip = Code;
        cpu.Regs.Rsp = Stack + 0x8000;
        using Harness harness = new(cpu)
        {
            Inject = (_, bytes) => space.Write(Input, bytes),
            Locate = address => address >= Runtime ? ($"runtime+{address - Runtime:x}", true) : ($"code+{address - Code:x}", false),
        };
        FuzzResult result = harness.RunAndLocate(System.Text.Encoding.ASCII.GetBytes(input));
        Assert.Equal(FuzzOutcome.Crash, result.Outcome);
        return result;
    }

    static void Pad(Assembler code, int size)
    {
        using MemoryStream stream = new();
        code.Assemble(new StreamCodeWriter(stream), Runtime);
        for (long length = stream.Length; length < size; length++)
        {
            code.nop();
        }
    }

    static void Write(AddressSpace space, Assembler code, ulong address)
    {
        using MemoryStream stream = new();
        code.Assemble(new StreamCodeWriter(stream), address);
        space.Write(address, stream.ToArray());
    }
}
