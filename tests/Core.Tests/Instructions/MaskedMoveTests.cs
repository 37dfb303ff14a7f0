using Iced.Intel;

namespace FastVcpu.Tests.Instructions;

/// <summary>Masked moves and gathers next to a page that is not there: only chosen elements are accessed, and a gather keeps what it has done.</summary>
public sealed class MaskedMoveTests
{
    /// <summary>A page, and behind it none.</summary>
    const ulong Page = 0x80000, End = Page + 4096;

    /// <summary>Elements 0, 2 and 3 of four.</summary>
    static readonly uint[] Mask = [0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000001];

    [Fact]
    public void AMaskedLoadDoesNotTouchWhatItDoesNotChoose()
    {
        using Guest guest = Start(c => c.vmaskmovps(xmm1, xmm2, __[rbx]));
        guest.Regs.Rbx = End - 4;
        Set(guest, 2, [0x80000000, 0, 0, 0]);
        Set(guest, 1, [1, 2, 3, 4]);
        guest.Space.Write(End - 4, 0x11223344u);
        guest.RunToEnd();
        Assert.Equal([0x11223344u, 0, 0, 0], Get(guest, 1));
    }

    [Fact]
    public void AMaskedLoadFaultsAtAChosenElementAndChangesNothing()
    {
        using Guest guest = Start(c => c.vmaskmovps(xmm1, xmm2, __[rbx]));
        guest.Regs.Rbx = End - 8;
        Set(guest, 2, Mask);
        Set(guest, 1, [1, 2, 3, 4]);
        guest.Run();
        Assert.Equal((Guest.PageFault, 4u, End), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address));
        Assert.Equal([1u, 2, 3, 4], Get(guest, 1));
    }

    [Fact]
    public void AMaskedStoreWritesAllChosenElementsOrNone()
    {
        using Guest guest = Start(c => c.vpmaskmovd(__[rbx], xmm2, xmm1));
        Set(guest, 2, Mask);
        Set(guest, 1, [1, 2, 3, 4]);
        guest.Regs.Rbx = End - 12;
        guest.Run();
        Assert.Equal((Guest.PageFault, 6u, End), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address));
        Assert.Equal(0u, guest.Space.Read<uint>(End - 12));

        guest.Rewind();
        guest.Regs.Rbx = End - 16;
        guest.Space.Write(End - 12, 0x55u);
        guest.RunToEnd();
        Assert.Equal([1u, 0x55, 3, 4], Enumerable.Range(0, 4).Select(i => guest.Space.Read<uint>(End - 16 + 4 * (ulong)i)));
    }

    [Fact]
    public void AMaskedStoreIntoReadOnlyMemoryWithNothingChosenIsFine()
    {
        using Guest guest = Start(c => c.vmaskmovpd(__[rbx], ymm2, ymm1));
        guest.Space.Protect(Page, 4096, PagePermissions.Read);
        guest.Regs.Rbx = Page;
        guest.RunToEnd();
    }

    [Fact]
    public void ElementsBehindTheEndOfASegmentDoNotWrap()
    {
        const ulong Last = 0xFFFFF000;
        using Guest guest = new(32, c => c.vmaskmovps(xmm1, xmm2, __[ebx]));
        guest.Space.Map(Last, 4096, PagePermissions.Read | PagePermissions.Write);
        guest.Regs.Rbx = 0xFFFFFFF8;
        Set(guest, 2, [0x80000000, 0x80000000, 0, 0]);
        guest.RunToEnd();
        Set(guest, 2, [0, 0, 0, 0x80000000]);
        guest.Rewind();
        guest.Run();
        Assert.Equal(Guest.GeneralProtection, guest.Exit.Vector);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ElementsBehindTheEndOf64KibDoNotWrap(bool writes)
    {
        using Guest guest = new(32, c =>
        {
            if (writes)
            {
                c.vpmaskmovd(__[bx], xmm2, xmm1);
            }
            else
            {
                c.vmaskmovps(xmm1, xmm2, __[bx]);
            }
        });
        guest.Cpu.Segments.Ds = guest.Cpu.Segments.Ds with { Base = Guest.Data, Limit = 0xFFFF };
        guest.Regs.Rbx = 0xFFF8;
        Set(guest, 2, [0x80000000, 0x80000000, 0, 0]);
        guest.RunToEnd();
        Set(guest, 2, [0, 0, 0x80000000, 0]);
        guest.Rewind();
        guest.Run();
        Assert.Equal(Guest.GeneralProtection, guest.Exit.Vector);
    }

    [Fact]
    public void AGatherThatFaultsKeepsWhatItHasLoadedAndGoesOn()
    {
        using Guest guest = Start(c => c.vpgatherdd(xmm1, __[rbx + xmm3 * 4], xmm2));
        guest.Regs.Rbx = Page;
        Set(guest, 1, [1, 2, 3, 4]);
        Set(guest, 2, Mask);
        // The third element is behind the page's end.
        Set(guest, 3, [5, uint.MaxValue, 1024, 7]);
        guest.Space.Write(Page + 20, 0xAAu);
        guest.Space.Write(Page + 28, 0xBBu);
        guest.Run();
        Assert.Equal((Guest.PageFault, 4u, End, Guest.Code), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address, guest.Regs.Rip));
        Assert.Equal([0xAAu, 2, 3, 4], Get(guest, 1));
        Assert.Equal([0u, 0, 0xFFFFFFFF, 0x80000001], Get(guest, 2));

        guest.Space.Map(End, 4096, PagePermissions.Read | PagePermissions.Write);
        guest.Space.Write(End, 0xCCu);
        guest.RunToEnd();
        Assert.Equal([0xAAu, 2, 0xCC, 0xBB], Get(guest, 1));
        Assert.False(guest.Cpu.VectorRegister(2).ContainsAnyExcept((byte)0));
        Assert.False(guest.Cpu.VectorRegister(1)[16..].ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void TheElementsBeforeOneThatFaultsAreAStep()
    {
        using Guest guest = Start(c => c.vpgatherdd(xmm1, __[rbx + xmm3 * 4], xmm2));
        guest.Regs.Rbx = Page;
        Set(guest, 2, Mask);
        Set(guest, 3, [5, 6, 1024, 7]);
        guest.Run(1);
        Assert.Equal((ExitReason.InstructionLimit, Guest.Code), (guest.Exit.Reason, guest.Regs.Rip));
        guest.Run(1);
        Assert.Equal((ExitReason.Exception, Guest.PageFault), (guest.Exit.Reason, guest.Exit.Vector));
    }

    [Fact]
    public void IndicesOf64BitsGatherAsManyElementsAsThereAreIndices()
    {
        using Guest guest = Start(c => c.vpgatherqd(xmm1, __[rbx + ymm3], xmm2));
        guest.Regs.Rbx = Page;
        Set(guest, 2, [0x80000000, 0x80000000, 0x80000000, 0x80000000]);
        Set(guest, 3, [0, 0, 8, 0, 16, 0, 24, 0]);
        for (uint i = 0; i < 4; i++)
        {
            guest.Space.Write(Page + 8 * i, i + 1);
        }
        guest.RunToEnd();
        Assert.Equal([1u, 2, 3, 4], Get(guest, 1));
    }

    static Guest Start(Action<Assembler> code)
    {
        Guest guest = new(64, code);
        guest.Space.Map(Page, 4096, PagePermissions.Read | PagePermissions.Write);
        return guest;
    }

    static void Set(Guest guest, int register, uint[] elements)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            BitConverter.TryWriteBytes(guest.Cpu.VectorRegister(register)[(4 * i)..], elements[i]);
        }
    }

    /// <summary>The low four elements of a register.</summary>
    static uint[] Get(Guest guest, int register)
    {
        byte[] bytes = guest.Cpu.VectorRegister(register)[..16].ToArray();
        return [.. Enumerable.Range(0, 4).Select(i => BitConverter.ToUInt32(bytes, 4 * i))];
    }
}
