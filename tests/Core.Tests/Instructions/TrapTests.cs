using Iced.Intel;

namespace FastVcpu.Tests.Instructions;

/// <summary>Interrupts, system calls, privileged instructions and far transfers of user mode.</summary>
public sealed class TrapTests
{
    const ulong Carry = 1;

    [Fact]
    public void BreakpointsStopBehindTheInstruction()
    {
        using Guest guest = Guest.Fault64(c => c.int3());
        Assert.Equal((ExitReason.Exception, 3, Guest.Code + 1), (guest.Exit.Reason, guest.Exit.Vector, guest.Regs.Rip));
    }

    [Fact]
    public void IntoTrapsOnOverflowOnly()
    {
        using Guest guest = Guest.Fault32(c =>
        {
            c.into();
            c.mov(al, 0x7F);
            c.inc(al);
            c.into();
        });
        Assert.Equal((ExitReason.Exception, 4, guest.CodeEnd, 3L), (guest.Exit.Reason, guest.Exit.Vector, guest.Regs.Rip, guest.Exit.InstructionsRetired - 1));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void SoftwareInterruptsAreForTheEmbedder(int bits)
    {
        using Guest guest = new(bits, c => c.@int(0x80));
        guest.Run();
        Assert.Equal((ExitReason.SoftwareInterrupt, 0x80, guest.CodeEnd, 1L), (guest.Exit.Reason, guest.Exit.Vector, guest.Regs.Rip, guest.Exit.InstructionsRetired));
        Assert.True(guest.RunToEnd().IsDone);
    }

    [Fact]
    public void SyscallSavesWhereItCameFrom()
    {
        using Guest guest = new(64, c => c.syscall());
        guest.Regs.Rflags |= Carry;
        guest.Run();
        Assert.Equal((ExitReason.SystemCall, guest.CodeEnd), (guest.Exit.Reason, guest.Regs.Rip));
        Assert.Equal((guest.CodeEnd, guest.Regs.Rflags), (guest.Regs.Rcx, guest.Regs.R11));
    }

    [Theory]
    [InlineData("F4")]
    [InlineData("FA")]
    [InlineData("FB")]
    [InlineData("EC")]
    [InlineData("E780")]
    [InlineData("6C")]
    [InlineData("F36F")]
    [InlineData("0F20C0")]
    [InlineData("0F22D8")]
    [InlineData("0F0111")]
    [InlineData("0F06")]
    [InlineData("0F08")]
    [InlineData("0F09")]
    [InlineData("0F30")]
    [InlineData("0F32")]
    public void PrivilegedInstructionsAreProtected(string code)
    {
        using Guest guest = new(64, Convert.FromHexString(code));
        guest.Run();
        Assert.Equal((Guest.GeneralProtection, 0u, Guest.Code), (guest.Exit.Vector, guest.Exit.ErrorCode, guest.Regs.Rip));
    }

    [Fact]
    public void BoundRaisesOutsideItsBounds()
    {
        using Guest guest = new(32, c => c.bound(eax, __qword_ptr[ebx]));
        guest.Space.Write(Guest.Data, unchecked((uint)-5));
        guest.Space.Write(Guest.Data + 4, 5u);
        foreach ((int index, bool isInside) in new[] { (-6, false), (-5, true), (5, true), (6, false) })
        {
            guest.Rewind();
            (guest.Regs.Rax, guest.Regs.Rbx) = ((uint)index, Guest.Data);
            guest.Run();
            Assert.Equal(isInside ? Guest.InvalidOpcode : 5, guest.Exit.Vector);
        }
    }

    [Fact]
    public void AFarCallReaches64BitCodeAndReturns()
    {
        const byte RetfOf32Bits = 0xCB;
        using Guest guest = new(32, c => c.call(0x33, (uint)Guest.Data));
        guest.Space.Protect(Guest.Data, Guest.DataSize, PagePermissions.Read | PagePermissions.Execute);
        guest.Space.Write(Guest.Data, (byte[])[.. Guest.Assemble(64, c => c.mov(rax, 0x123456789AUL)), RetfOf32Bits]);
        guest.Run(1);
        Assert.Equal((0x33, Guest.Data), (guest.Cpu.Segments.Cs.Selector, guest.Regs.Rip));
        guest.RunToEnd();
        Assert.Equal((0x23, 0x123456789Aul, Guest.Stack + Guest.StackSize / 2), (guest.Cpu.Segments.Cs.Selector, guest.Regs.Rax, guest.Regs.Rsp));
    }

    [Fact]
    public void IretqReturnsWithinUserMode()
    {
        using Guest guest = new(64, c =>
        {
            Label target = c.CreateLabel();
            c.push(0x2B);
            c.push((int)Guest.Stack + 64);
            c.push(0x203);
            c.push(0x33);
            c.lea(rax, __[target]);
            c.push(rax);
            c.iretq();
            c.ud2();
            c.Label(ref target);
            c.nop();
        });
        guest.RunToEnd();
        Assert.Equal((Guest.Stack + 64, Carry), (guest.Regs.Rsp, guest.Regs.Rflags & Carry));
    }
}
