using Iced.Intel;

namespace FastVcpu.Tests.Instructions;

/// <summary>What VEX encodings have in common: what is legal, what becomes of a register's upper part, alignment.</summary>
public sealed class VexTests
{
    [Theory]
    [InlineData("C5 F0 58 C2", true)]
    [InlineData("66 C5 F0 58 C2", false)]
    [InlineData("F2 C5 F0 58 C2", false)]
    [InlineData("F3 C5 F0 58 C2", false)]
    [InlineData("F0 C5 F0 58 C2", false)]
    [InlineData("48 C5 F0 58 C2", false)]
    [InlineData("2E C5 F0 58 C2", true)]
    [InlineData("67 C5 F0 58 C2", true)]
    // VEX.vvvv without an operand for it.
    [InlineData("C5 F8 28 C1", true)]
    [InlineData("C5 F0 28 C1", false)]
    // VEX.L of instructions on 128 bits only; VINSERTF128 exists with 256 only.
    [InlineData("C5 F9 6E C0", true)]
    [InlineData("C5 FD 6E C0", false)]
    [InlineData("C4 E3 75 18 C2 01", true)]
    [InlineData("C4 E3 71 18 C2 01", false)]
    // Scalars ignore VEX.L.
    [InlineData("C5 F6 58 C2", true)]
    // VEX.W: VPERMPS wants 0; the recorded processors ignore it for VPERMQ.
    [InlineData("C4 E2 75 16 C2", true)]
    [InlineData("C4 E2 F5 16 C2", false)]
    [InlineData("C4 E3 FD 00 C1 1B", true)]
    [InlineData("C4 E3 7D 00 C1 1B", true)]
    // Maps 0 and 4 are not there.
    [InlineData("C4 E0 70 58 C2", false)]
    [InlineData("C4 E4 70 58 C2", false)]
    // A gather needs three different registers, and a SIB byte.
    [InlineData("C4 E2 69 90 04 26", true)]
    [InlineData("C4 E2 69 90 14 26", false)]
    [InlineData("C4 E2 79 90 04 0E", false)]
    [InlineData("C4 E2 71 90 04 0E", false)]
    [InlineData("C4 E2 69 90 06", false)]
    public void OnlyLegalEncodingsRun(string code, bool isLegal)
    {
        using Guest guest = new(64, Convert.FromHexString(code.Replace(" ", "")));
        guest.Regs.Rsi = Guest.Data;
        guest.Run();
        Assert.Equal(isLegal, guest.IsDone);
        Assert.Equal(isLegal ? guest.CodeEnd : Guest.Code, guest.Regs.Rip);
    }

    [Fact]
    public void Outside64BitModeAMemoryFormIsLds()
    {
        using Guest guest = new(32, [0xC5, 0x06]);
        guest.Regs.Rsi = 0x90000;
        guest.Run();
        Assert.Equal(Guest.PageFault, guest.Exit.Vector);
    }

    [Fact]
    public void VexClearsTheRestOfTheRegisterAndLegacyLeavesIt()
    {
        using Guest guest = new(64, c =>
        {
            c.vaddps(xmm1, xmm2, xmm3);
            c.addps(xmm4, xmm5);
            c.vaddps(ymm6, ymm7, ymm8);
            c.vaddss(xmm9, xmm10, xmm11);
            c.vmovd(xmm12, eax);
            c.pxor(xmm13, xmm13);
        });
        Fill(guest);
        guest.RunToEnd();
        Assert.Equal([true, true], Clear(guest, 1));
        Assert.Equal([false, false], Clear(guest, 4));
        Assert.Equal([false, true], Clear(guest, 6));
        Assert.Equal([true, true], Clear(guest, 9));
        Assert.Equal(guest.Cpu.VectorRegister(10)[4..16], guest.Cpu.VectorRegister(9)[4..16]);
        Assert.Equal([true, true], Clear(guest, 12));
        Assert.Equal([false, false], Clear(guest, 13));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void VzeroIsForTheRegistersThatThereAre(bool all)
    {
        foreach (int bits in (int[])[32, 64])
        {
            using Guest guest = new(bits, c =>
            {
                if (all) c.vzeroall();
                else c.vzeroupper();
            });
            Fill(guest);
            guest.RunToEnd();
            for (int i = 0; i < 16; i++)
            {
                bool isCleared = i < (bits == 32 ? 8 : 16);
                Assert.Equal([isCleared, isCleared], Clear(guest, i));
                Assert.Equal(isCleared && all, !guest.Cpu.VectorRegister(i)[..16].ContainsAnyExcept((byte)0));
            }
        }
    }

    [Fact]
    public void OnlyAlignedMovesWantAlignment()
    {
        Assert.Equal(-1, Vector(c => c.vaddps(ymm0, ymm1, __[rsi + 1])));
        Assert.Equal(-1, Vector(c => c.vmovups(ymm0, __[rsi + 16])));
        Assert.Equal(-1, Vector(c => c.vmovaps(xmm0, __[rsi + 16])));
        Assert.Equal(Guest.GeneralProtection, Vector(c => c.vmovaps(ymm0, __[rsi + 16])));
        Assert.Equal(Guest.GeneralProtection, Vector(c => c.vmovaps(xmm0, __[rsi + 8])));
        Assert.Equal(Guest.GeneralProtection, Vector(c => c.vmovdqa(__[rsi + 16], ymm0)));
        Assert.Equal(Guest.GeneralProtection, Vector(c => c.vmovntps(__[rsi + 16], ymm0)));
        Assert.Equal(Guest.GeneralProtection, Vector(c => c.vmovntdqa(ymm0, __[rsi + 16])));
        Assert.Equal(-1, Vector(c => c.vmovntdqa(ymm0, __[rsi + 32])));
    }

    [Fact]
    public void AnUnmaskedExceptionOfOneElementLeavesTheDestination()
    {
        const int SimdFloatingPoint = 19;
        using Guest guest = new(64, c => c.vdivps(ymm0, ymm1, ymm2));
        Fill(guest);
        byte[] before = guest.Cpu.VectorRegister(0).ToArray();
        guest.Cpu.VectorRegister(2)[28..32].Clear();
        guest.Cpu.Fpu.Mxcsr = 0x1F80 & ~(1u << 9);
        guest.Run();
        Assert.Equal(SimdFloatingPoint, guest.Exit.Vector);
        Assert.Equal(before, guest.Cpu.VectorRegister(0).ToArray());
        Assert.Equal(4u, guest.Cpu.Fpu.Mxcsr & 0x3F);
    }

    /// <summary>The exception that an instruction on aligned data raises, or -1.</summary>
    static int Vector(Action<Assembler> code)
    {
        using Guest guest = new(64, code);
        guest.Regs.Rsi = Guest.Data;
        guest.Run();
        return guest.IsDone ? -1 : guest.Exit.Vector;
    }

    static void Fill(Guest guest)
    {
        for (int i = 0; i < 16; i++)
        {
            for (int at = 0; at < 64; at += 4)
            {
                BitConverter.TryWriteBytes(guest.Cpu.VectorRegister(i)[at..], 1f + i);
            }
        }
    }

    /// <summary>Whether bits 128–255 and 256–511 of a register are zero.</summary>
    static bool[] Clear(Guest guest, int register)
    {
        Span<byte> all = guest.Cpu.VectorRegister(register);
        return [!all[16..32].ContainsAnyExcept((byte)0), !all[32..].ContainsAnyExcept((byte)0)];
    }
}
