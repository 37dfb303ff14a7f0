namespace FastVcpu.Tests.Instructions;

/// <summary>CPUID, time stamps and random numbers.</summary>
public sealed class ProcessorTests
{
    public static TheoryData<string> Models => [.. CpuModel.All.Where(m => m.Has(CpuFeature.Cpuid)).Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Models))]
    public void CpuidReportsTheModel(string name)
    {
        CpuModel model = CpuModel.All.Single(m => m.Name == name);
        (uint last, uint b, uint c, uint d) = Cpuid(model, 0, 0);
        Assert.True(last >= 1);
        Assert.Equal(model.Vendor, System.Text.Encoding.ASCII.GetString([.. BitConverter.GetBytes(b), .. BitConverter.GetBytes(d), .. BitConverter.GetBytes(c)]));
        (uint signature, _, uint ecx, uint edx) = Cpuid(model, 1, 0);
        Assert.Equal((int)model.Signature, (int)signature);
        Assert.Equal(model.Has(CpuFeature.Fpu), (edx & 1) != 0);
        Assert.Equal(model.Has(CpuFeature.Cmov), (edx >> 15 & 1) != 0);
        Assert.Equal(model.Has(CpuFeature.Sse42), (ecx >> 20 & 1) != 0);
        Assert.Equal(model.Has(CpuFeature.Avx2), (Cpuid(model, 7, 0).Ebx >> 5 & 1) != 0);
        Assert.Equal(model.Has(CpuFeature.Lzcnt), (Cpuid(model, 0x80000001, 0).Ecx >> 5 & 1) != 0);
        Assert.Equal(model.Has(CpuFeature.Lm), (Cpuid(model, 0x80000001, 0).Edx >> 29 & 1) != 0);
    }

    /// <summary>The levels of the x86-64 psABI, with the bits that tell of the state that the system has enabled.</summary>
    [Theory]
    [InlineData("x86-64", 0, 0, 0)]
    [InlineData("x86-64-v2", 0x0098_2201, 0, 0)]
    [InlineData("x86-64-v3", 0x3CD8_3201, 0x128, 0x20)]
    public void TheLevelsHaveTheirFeatures(string name, int basic, int extended, int lzcnt)
    {
        const int All = 0x3CD8_3201;
        CpuModel model = CpuModel.Find(name)!;
        Assert.Equal(basic, (int)Cpuid(model, 1, 0).Ecx & All);
        Assert.Equal(extended, (int)Cpuid(model, 7, 0).Ebx & 0x128);
        Assert.Equal(lzcnt, (int)Cpuid(model, 0x80000001, 0).Ecx & 0x20);
    }

    [Fact]
    public void LeavesThatAreNotThereAreZero()
    {
        Assert.Equal((0u, 0u, 0u, 0u), Cpuid(CpuModel.Max, 0x12345, 0));
        Assert.Equal((0u, 0u, 0u, 0u), Cpuid(CpuModel.Max, 0x80001234, 0));
        Assert.Equal((0u, 0u, 0u, 0u), Cpuid(CpuModel.Pentium, 7, 0));
    }

    [Fact]
    public void TheTimeStampGoesForward()
    {
        using Guest guest = new(64, c =>
        {
            c.rdtsc();
            c.mov(esi, eax);
            c.mov(edi, edx);
            c.rdtscp();
        });
        for (int i = 0; i < 1000; i++)
        {
            guest.Rewind();
            guest.RunToEnd();
            Assert.True((guest.Regs.Rdx << 32 | guest.Regs.Rax) >= (guest.Regs.Rdi << 32 | guest.Regs.Rsi));
        }
    }

    [Fact]
    public void RandomNumbersDiffer()
    {
        using Guest guest = new(64, c =>
        {
            c.rdrand(rax);
            c.rdseed(rbx);
        });
        HashSet<ulong> seen = [];
        for (int i = 0; i < 100; i++)
        {
            guest.Rewind();
            guest.RunToEnd();
            Assert.Equal(1ul, guest.Regs.Rflags & 0x8D5);
            Assert.True(seen.Add(guest.Regs.Rax) && seen.Add(guest.Regs.Rbx));
        }
    }

    [Fact]
    public void AnOlderModelLacksTheInstructionsOfALaterOne()
    {
        using Guest cmov = new(32, c => c.cmove(eax, ebx), CpuModel.Pentium);
        Assert.Equal(Guest.InvalidOpcode, cmov.Run().Exit.Vector);
        Assert.False(cmov.IsDone);
        // Without LZCNT its prefix means nothing: it is BSR.
        using Guest bsr = new(64, c => c.lzcnt(eax, ebx), CpuModel.X86_64);
        bsr.Regs.Rbx = 0x10;
        Assert.Equal(4ul, bsr.RunToEnd().Regs.Rax);
    }

    static (uint Eax, uint Ebx, uint Ecx, uint Edx) Cpuid(CpuModel model, uint leaf, uint subleaf)
    {
        using Guest guest = new(32, c => c.cpuid(), model);
        (guest.Regs.Rax, guest.Regs.Rcx) = (leaf, subleaf);
        guest.RunToEnd();
        return ((uint)guest.Regs.Rax, (uint)guest.Regs.Rbx, (uint)guest.Regs.Rcx, (uint)guest.Regs.Rdx);
    }
}
