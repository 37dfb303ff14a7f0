namespace FastVcpu.Tests.Memory;

/// <summary>Accesses that are misaligned or lie on two pages, for data and for code.</summary>
public sealed class PageCrossingTests
{
    const ulong First = 0x80000, Second = 0x81000;

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void EveryOffsetAroundAPageEndReadsAndWritesTheSameBytes(int size)
    {
        using Guest guest = TwoPages(c =>
        {
            switch (size)
            {
                case 2:
                    c.mov(ax, __word_ptr[rbx]);
                    c.mov(__word_ptr[rsi], ax);
                    break;
                case 4:
                    c.mov(eax, __dword_ptr[rbx]);
                    c.mov(__dword_ptr[rsi], eax);
                    break;
                case 8:
                    c.mov(rax, __qword_ptr[rbx]);
                    c.mov(__qword_ptr[rsi], rax);
                    break;
                default:
                    c.movups(xmm0, __xmmword_ptr[rbx]);
                    c.movups(__xmmword_ptr[rsi], xmm0);
                    break;
            }
        });
        byte[] pattern = [.. Enumerable.Range(0, 64).Select(i => (byte)(i * 37 + 1))];
        for (ulong offset = 0; offset < 48; offset++)
        {
            guest.Space.Write(Second - 32, pattern);
            guest.Space.Write(Guest.Data, new byte[64]);
            byte[] written = new byte[size];

            // From the page end to the middle of a page …
            Move(guest, Second - 32 + offset, Guest.Data);
            guest.Space.Read(Guest.Data, written);
            Assert.Equal(pattern.AsSpan((int)offset, size).ToArray(), written);

            // … and back to the page end, which leaves what is around it.
            guest.Space.Write(Second - 32, new byte[64]);
            Move(guest, Guest.Data, Second - 32 + offset);
            byte[] around = new byte[64], expected = new byte[64];
            pattern.AsSpan((int)offset, size).CopyTo(expected.AsSpan((int)offset));
            guest.Space.Read(Second - 32, around);
            Assert.Equal(expected, around);
        }
    }

    [Fact]
    public void MovsxdTo16BitsReads32_Measured()
    {
        using Guest guest = new(64, c => c.db(0x66, 0x63, 0x03));
        guest.Space.Map(First, 0x1000, PagePermissions.Read);
        guest.Regs.Rbx = Second - 2;
        guest.Run();
        Assert.Equal((Guest.PageFault, Second), (guest.Exit.Vector, guest.Exit.Address));
        guest.Rewind();
        guest.Regs.Rbx = Second - 4;
        guest.RunToEnd();
    }

    [Fact]
    public void AWriteThatReachesIntoAPageThatIsNotThereChangesNothing()
    {
        using Guest guest = new(64, c =>
        {
            c.mov(rbx, Second - 3);
            c.mov(__qword_ptr[rbx], rbx);
        });
        guest.Space.Map(First, 4096, PagePermissions.Read | PagePermissions.Write);
        guest.Run();
        Assert.Equal((Guest.PageFault, Second), (guest.Exit.Vector, guest.Exit.Address));
        Assert.Equal(0UL, guest.Space.Read<ulong>(Second - 8));
    }

    [Fact]
    public void AReadModifyWriteAcrossPagesWithAReadOnlySecondChangesNothing()
    {
        using Guest guest = TwoPages(c =>
        {
            c.mov(rbx, Second - 4);
            c.@lock.add(__qword_ptr[rbx], rbx);
        });
        guest.Space.Protect(Second, 4096, PagePermissions.Read);
        guest.Run();
        Assert.Equal((Guest.PageFault, Second), (guest.Exit.Vector, guest.Exit.Address));
        Assert.Equal(0UL, guest.Space.Read<ulong>(Second - 4));
    }

    [Fact]
    public void ALockedInstructionAcrossPagesWorks()
    {
        using Guest guest = TwoPages(c =>
        {
            c.mov(rbx, Second - 4);
            c.mov(ecx, 1000);
            Iced.Intel.Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.@lock.add(__qword_ptr[rbx], rbx);
            c.dec(ecx);
            c.jne(loop);
        });
        guest.RunToEnd();
        Assert.Equal((Second - 4) * 1000, guest.Space.Read<ulong>(Second - 4));
    }

    [Fact]
    public void AnInstructionOnTwoPagesRuns()
    {
        byte[] code = Guest.Assemble(64, c =>
        {
            c.mov(rax, 0x1122334455667788);
            c.ret();
        });
        using Guest guest = TwoPages(c => c.call(rbx));
        guest.Space.Protect(First, 8192, PagePermissions.Read | PagePermissions.Execute);
        for (ulong split = 0; split <= (ulong)code.Length; split++)
        {
            guest.Space.Write(Second - split, code);
            guest.Regs.Rax = 0;
            guest.Regs.Rbx = Second - split;
            guest.Rewind();
            guest.RunToEnd();
            Assert.Equal(0x1122334455667788u, guest.Regs.Rax);
        }
    }

    [Fact]
    public void AnInstructionThatRunsIntoAPageThatIsNotThereFaultsThere()
    {
        using Guest guest = new(64, c => c.call(rbx));
        guest.Space.Map(First, 4096, PagePermissions.Read | PagePermissions.Execute);
        guest.Space.Write(Second - 3, [0x48, 0xB8, 0x88]);
        guest.Regs.Rbx = Second - 3;
        guest.Run();
        Assert.Equal((Guest.PageFault, 0x14u, Second, Second - 3), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address, guest.Regs.Rip));
    }

    [Fact]
    public void APushAcrossPagesWorks()
    {
        using Guest guest = TwoPages(c =>
        {
            c.mov(rsp, Second + 5);
            c.push(rbx);
            c.pop(rax);
        });
        guest.Regs.Rbx = 0x1122334455667788;
        guest.RunToEnd();
        Assert.Equal(guest.Regs.Rbx, guest.Regs.Rax);
    }

    static Guest TwoPages(Action<Iced.Intel.Assembler> code)
    {
        Guest guest = new(64, code);
        guest.Space.Map(First, 8192, PagePermissions.Read | PagePermissions.Write);
        return guest;
    }

    static void Move(Guest guest, ulong from, ulong to)
    {
        guest.Rewind();
        guest.Regs.Rbx = from;
        guest.Regs.Rsi = to;
        guest.RunToEnd();
    }
}
