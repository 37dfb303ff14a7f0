namespace FastVcpu.Tests.Fuzzing;

/// <summary>What random code has found, one test each.</summary>
public sealed class FindingTests
{
    const int SimdFloatingPoint = 19, BoundRange = 5;
    const ulong AlignmentFlag = 1 << 18;

    [Fact]
    public void CodeMayBeDroppedToMakeRoomWhileABlockIsLinkedToTheNext()
    {
        // JMP to the next one, more often than the code cache has room for.
        const int Jumps = 600_000;
        byte[] code = new byte[2 * Jumps];
        for (int i = 0; i < code.Length; i += 2)
        {
            code[i] = 0xEB;
        }
        using AddressSpace space = new();
        space.Map(Guest.Code, (ulong)code.Length, PagePermissions.Read | PagePermissions.Execute);
        space.Write(Guest.Code, code);
        using Vcpu cpu = new(CpuModel.Max, space, CodeSize.Bits64);
        for (int round = 0; round < 2; round++)
        {
            cpu.Regs.Rip = Guest.Code;
            Assert.Equal(Jumps, cpu.Run(Jumps).InstructionsRetired);
        }
    }

    [Theory]
    [InlineData(0xA5)]
    [InlineData(0xA7)]
    public void AFaultOfTheSourceComesBeforeTheLimitOfTheDestination(byte opcode)
    {
        using Guest guest = new(32, [opcode]);
        guest.Regs.Rsi = 0x1F;
        guest.Regs.Rdi = uint.MaxValue;
        guest.Run();
        Assert.Equal((Guest.PageFault, 0x1Ful), (guest.Exit.Vector, guest.Exit.Address));
        guest.Regs.Rsi = Guest.Data;
        guest.Run();
        Assert.Equal(Guest.GeneralProtection, guest.Exit.Vector);
    }

    [Fact]
    public void BoundChecksTheAlignmentOfEachBound()
    {
        // bound eax, [ebx]
        using Guest guest = new(32, [0x62, 0x03]);
        guest.Regs.Rflags |= AlignmentFlag;
        guest.Regs.Rax = 7;
        guest.Regs.Rbx = Guest.Data + 4;
        guest.Run();
        Assert.Equal(BoundRange, guest.Exit.Vector);
        guest.Regs.Rbx = Guest.Data + 2;
        guest.Run();
        Assert.Equal(Guest.AlignmentCheck, guest.Exit.Vector);
    }

    [Theory]
    [InlineData(-140, 0x1F80u & ~0x800u, 0x10u)]
    [InlineData(140, 0x1F80u & ~0x400u, 0x08u)]
    public void AnUnmaskedExceptionOfRangeIsInexactOnlyIfTheSignificandIs(int exponent, uint mxcsr, uint expected)
    {
        using Guest guest = new(64, c => c.cvtpd2ps(xmm0, xmm1));
        guest.Cpu.Fpu.Mxcsr = mxcsr;
        BitConverter.TryWriteBytes(guest.Cpu.VectorRegister(1), Math.ScaleB(1.0, exponent));
        guest.Run();
        Assert.Equal((SimdFloatingPoint, expected), (guest.Exit.Vector, guest.Cpu.Fpu.Mxcsr & 0x3F));
        guest.Cpu.Fpu.Mxcsr = mxcsr;
        BitConverter.TryWriteBytes(guest.Cpu.VectorRegister(1), Math.ScaleB(1.0 + Math.ScaleB(1.0, -40), exponent));
        guest.Run();
        Assert.Equal((SimdFloatingPoint, expected | 0x20), (guest.Exit.Vector, guest.Cpu.Fpu.Mxcsr & 0x3F));
    }
}
