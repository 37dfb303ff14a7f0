namespace FastVcpu.Tests.Embedding;

/// <summary>The image of XSAVE in the embedder's hands.</summary>
public sealed class XsaveTests
{
    const int MxcsrOffset = 24, HeaderOffset = 512;

    [Theory]
    [InlineData("max", 832)]
    [InlineData("x86-64-v2", 576)]
    [InlineData("pentium", 576)]
    public void TheSizeFollowsTheModel(string model, int size)
    {
        using RealMachine machine = new(a => a.hlt(), CpuModel.Find(model));
        Assert.Equal(size, machine.Cpu.XsaveSize);
    }

    [Fact]
    public void AllRegistersTravel()
    {
        using RealMachine source = new(a => a.hlt()), target = new(a => a.hlt());
        source.Cpu.Fpu.ControlWord = 0x27F;
        source.Cpu.Fpu.StatusWord = 3 << 11;
        source.Cpu.Fpu.AbridgedTag = 0x18;
        source.Cpu.Fpu.Mxcsr = 0x9FC0;
        for (int i = 0; i < 16; i++)
        {
            source.Cpu.VectorRegister(i)[..32].Fill((byte)(i + 1));
        }
        for (int i = 0; i < 8; i++)
        {
            source.Cpu.Fpu.Register(i).Fill((byte)(i + 0x80));
        }
        byte[] image = new byte[4096], again = new byte[4096];
        source.Cpu.GetXsave(image);
        target.Cpu.SetXsave(image);
        target.Cpu.GetXsave(again);
        Assert.Equal(image, again);
        Assert.Equal((0x27F, 3 << 11, 0x18, 0x9FC0u), (target.Cpu.Fpu.ControlWord, target.Cpu.Fpu.StatusWord, target.Cpu.Fpu.AbridgedTag, target.Cpu.Fpu.Mxcsr));
        Assert.Equal(source.Cpu.VectorRegister(15).ToArray(), target.Cpu.VectorRegister(15).ToArray());
        Assert.Equal(source.Cpu.Fpu.Register(7).ToArray(), target.Cpu.Fpu.Register(7).ToArray());
    }

    [Fact]
    public void AbsentComponentsGetTheirInitialValues()
    {
        using RealMachine machine = new(a => a.hlt());
        byte[] image = new byte[4096];
        machine.Cpu.Fpu.ControlWord = 0x27F;
        machine.Cpu.Fpu.Mxcsr = 0x5F80;
        machine.Cpu.VectorRegister(0).Fill(1);
        machine.Cpu.SetXsave(image);
        Assert.Equal((0x37F, 0x1F80u), (machine.Cpu.Fpu.ControlWord, machine.Cpu.Fpu.Mxcsr));
        Assert.Equal(new byte[32], machine.Cpu.VectorRegister(0)[..32].ToArray());
    }

    [Theory]
    [InlineData(HeaderOffset, 8)]
    [InlineData(HeaderOffset + 7, 0x80)]
    [InlineData(HeaderOffset + 8, 7)]
    [InlineData(HeaderOffset + 15, 0x80)]
    [InlineData(HeaderOffset + 16, 1)]
    [InlineData(MxcsrOffset + 3, 1)]
    public void AnImageThatCannotBeIsAnArgumentErrorAndChangesNothing(int offset, byte value)
    {
        using RealMachine machine = new(a => a.hlt());
        machine.Cpu.VectorRegister(0)[0] = 1;
        byte[] before = new byte[4096], after = new byte[4096];
        machine.Cpu.GetXsave(before);
        byte[] image = [.. before];
        image[160] = 2;
        image[offset] = value;
        Assert.Throws<ArgumentException>(() => machine.Cpu.SetXsave(image));
        machine.Cpu.GetXsave(after);
        Assert.Equal(before, after);
    }

    [Fact]
    public void ATooShortImageIsAnArgumentError()
    {
        using RealMachine machine = new(a => a.hlt());
        Assert.Throws<ArgumentException>(() => machine.Cpu.GetXsave(new byte[machine.Cpu.XsaveSize - 1]));
        Assert.Throws<ArgumentException>(() => machine.Cpu.SetXsave(new byte[machine.Cpu.XsaveSize - 1]));
    }

    [Fact]
    public void ThereAreNoSupervisorComponents()
    {
        const uint SupervisorState = 0xDA0;
        using RealMachine machine = new(a => a.hlt()), older = new(a => a.hlt(), CpuModel.X86_64_V3);
        Assert.True(machine.Cpu.TrySetMsr(SupervisorState, 0));
        Assert.False(machine.Cpu.TrySetMsr(SupervisorState, 1));
        Assert.False(older.Cpu.TryGetMsr(SupervisorState, out _));
    }

    [Fact]
    public void Xcr0IsChecked()
    {
        using RealMachine machine = new(a => a.hlt());
        machine.Cpu.Xcr0 = 7;
        Assert.Equal(7UL, machine.Cpu.Xcr0);
        foreach (ulong value in new ulong[] { 0, 2, 5, 8, 15 })
        {
            Assert.Throws<ArgumentException>(() => machine.Cpu.Xcr0 = value);
        }
    }
}
