namespace FastVcpu.Tests.Instructions;

/// <summary>Where LOCK is legal, and the exchanges of 8 and 16 bytes.</summary>
public sealed class LockTests
{
    [Theory]
    // add, or, inc, not, xchg, cmpxchg, xadd, bts, btr with an immediate, cmpxchg8b, cmpxchg16b: memory is written.
    [InlineData("F00103")]
    [InlineData("F0800B00")]
    [InlineData("F0FE03")]
    [InlineData("F0F713")]
    [InlineData("F08603")]
    [InlineData("F00FB00B")]
    [InlineData("F00FC10B")]
    [InlineData("F00FAB03")]
    [InlineData("F00FBA3307")]
    [InlineData("F00FC70B")]
    [InlineData("F0480FC70B")]
    public void IsLegalWhereMemoryIsReadAndWritten(string code)
    {
        using Guest guest = new(64, Convert.FromHexString(code));
        guest.Regs.Rbx = Guest.Data;
        guest.RunToEnd();
    }

    [Theory]
    // The same with registers; cmp, test, bt, mov, shl; the other direction; instructions without operands.
    [InlineData("F001C3")]
    [InlineData("F0FEC3")]
    [InlineData("F087C3")]
    [InlineData("F00FC1CB")]
    [InlineData("F03903")]
    [InlineData("F08503")]
    [InlineData("F00FA303")]
    [InlineData("F08903")]
    [InlineData("F0C12304")]
    [InlineData("F00303")]
    [InlineData("F090")]
    [InlineData("F0A4")]
    [InlineData("F00FBA2307")]
    public void IsUndefinedElsewhere(string code)
    {
        using Guest guest = new(64, Convert.FromHexString(code));
        guest.Regs.Rbx = Guest.Data;
        guest.Run();
        Assert.Equal((ExitReason.Exception, Guest.InvalidOpcode, Guest.Code), (guest.Exit.Reason, guest.Exit.Vector, guest.Regs.Rip));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cmpxchg16BExchangesWhatMatches(bool matches)
    {
        using Guest guest = new(64, c => c.@lock.cmpxchg16b(__xmmword_ptr[rsi]));
        guest.Space.Write(Guest.Data + 16, 1ul);
        guest.Space.Write(Guest.Data + 24, 2ul);
        (guest.Regs.Rsi, guest.Regs.Rax, guest.Regs.Rdx, guest.Regs.Rbx, guest.Regs.Rcx) = (Guest.Data + 16, 1, matches ? 2ul : 3, 4, 5);
        guest.RunToEnd();
        Assert.Equal(matches ? (4ul, 5ul) : (1, 2), (guest.Space.Read<ulong>(Guest.Data + 16), guest.Space.Read<ulong>(Guest.Data + 24)));
        Assert.Equal((1ul, 2ul, matches), (guest.Regs.Rax, guest.Regs.Rdx, (guest.Regs.Rflags & 0x40) != 0));
    }

    [Fact]
    public void Cmpxchg16BWantsItsOperandAligned()
    {
        using Guest guest = new(64, c => c.cmpxchg16b(__xmmword_ptr[rsi]));
        guest.Regs.Rsi = Guest.Data + 8;
        guest.Run();
        Assert.Equal((Guest.GeneralProtection, 0u, Guest.Code), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Regs.Rip));
    }

    [Fact]
    public void CmpxchgOfTheAccumulatorWithItselfStoresTheSource()
    {
        using Guest guest = new(64, c => c.cmpxchg(eax, ebx));
        (guest.Regs.Rax, guest.Regs.Rbx) = (0xFFFFFFFF_00000001, 9);
        Assert.Equal(9ul, guest.RunToEnd().Regs.Rax);
    }

    [Fact]
    public void XaddOfARegisterWithItselfDoublesIt()
    {
        using Guest guest = new(64, c => c.xadd(rax, rax));
        guest.Regs.Rax = 21;
        Assert.Equal(42ul, guest.RunToEnd().Regs.Rax);
    }
}
