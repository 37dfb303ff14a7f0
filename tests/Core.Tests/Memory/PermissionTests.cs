namespace FastVcpu.Tests.Memory;

/// <summary>Pages permit what the host says, and faults tell what was tried.</summary>
public sealed class PermissionTests
{
    const uint Protection = 1, Write = 2, User = 4, Fetch = 16;
    const ulong Page = 0x80000;

    [Theory]
    [InlineData(PagePermissions.Read, true, false, false)]
    [InlineData(PagePermissions.Read | PagePermissions.Write, true, true, false)]
    [InlineData(PagePermissions.Read | PagePermissions.Execute, true, false, true)]
    [InlineData(PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute, true, true, true)]
    [InlineData(PagePermissions.Execute, false, false, true)]
    [InlineData(PagePermissions.None, false, false, false)]
    public void APagePermitsWhatItSays(PagePermissions permissions, bool reads, bool writes, bool executes)
    {
        Check(permissions, c => c.mov(eax, __dword_ptr[rbx]), reads, Protection | User);
        Check(permissions, c => c.mov(__dword_ptr[rbx], eax), writes, Protection | Write | User);
        Check(permissions, c => c.add(__dword_ptr[rbx], eax), writes, Protection | Write | User);
        Check(permissions, c => c.call(rbx), executes, Protection | User | Fetch);
    }

    [Fact]
    public void WhatIsNotMappedFaultsWithoutTheProtectionBit()
    {
        Check(null, c => c.mov(eax, __dword_ptr[rbx]), false, User);
        Check(null, c => c.mov(__dword_ptr[rbx], eax), false, Write | User);
        Check(null, c => c.call(rbx), false, User | Fetch);
    }

    [Fact]
    public void AReadModifyWriteFaultsBeforeItChangesAnything()
    {
        using Guest guest = new(64, c =>
        {
            c.mov(rbx, Page);
            c.stc();
            c.adc(__qword_ptr[rbx], rbx);
        });
        guest.Space.Map(Page, 4096, PagePermissions.Read);
        guest.Space.Write(Page, 5UL);
        guest.Run();
        Assert.Equal((Guest.PageFault, Protection | Write | User, Page), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address));
        Assert.Equal(5UL, guest.Space.Read<ulong>(Page));
        Assert.Equal(1u, guest.Regs.Rflags & 1);

        guest.Space.Protect(Page, 4096, PagePermissions.Read | PagePermissions.Write);
        guest.RunToEnd();
        Assert.Equal(5 + Page + 1, guest.Space.Read<ulong>(Page));
    }

    [Fact]
    public void PermissionsThatAreTakenAwayAreGoneAtOnce()
    {
        using Guest guest = new(64, c =>
        {
            c.mov(rbx, Page);
            c.mov(__dword_ptr[rbx], 1);
            c.mov(__dword_ptr[rbx], 2);
        });
        guest.Space.Map(Page, 4096, PagePermissions.Read | PagePermissions.Write);
        guest.Run(2);
        guest.Space.Protect(Page, 4096, PagePermissions.Read);
        guest.Run();
        Assert.Equal((Guest.PageFault, 1u), (guest.Exit.Vector, guest.Space.Read<uint>(Page)));
        guest.Space.Unmap(Page, 4096);
        guest.Run();
        Assert.Equal((Guest.PageFault, Write | User), (guest.Exit.Vector, guest.Exit.ErrorCode));
    }

    static void Check(PagePermissions? permissions, Action<Iced.Intel.Assembler> code, bool isPermitted, uint errorCode)
    {
        using Guest guest = new(64, c =>
        {
            c.mov(rbx, Page);
            code(c);
        });
        if (permissions is { } given)
        {
            guest.Space.Map(Page, 4096, given);
            guest.Space.Write(Page, [0xC3]);
        }

        guest.Run();
        if (isPermitted)
        {
            Assert.True(guest.IsDone, guest.Exit.ToString());
            return;
        }

        Assert.Equal(ExitReason.Exception, guest.Exit.Reason);
        uint expected = permissions is null ? errorCode : errorCode | Protection;
        Assert.Equal((Guest.PageFault, expected, Page), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Exit.Address));
    }
}
