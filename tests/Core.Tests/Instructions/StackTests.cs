namespace FastVcpu.Tests.Instructions;

/// <summary>ENTER, LEAVE, PUSHA, POPA, PUSHF and POPF.</summary>
public sealed class StackTests
{
    const ulong Top = Guest.Stack + Guest.StackSize / 2;
    const ulong Trap = 0x100, Interrupt = 0x200, Direction = 0x400, IoPrivilege = 0x3000, NestedTask = 0x4000, Virtual8086 = 0x20000, Identification = 0x200000;

    [Fact]
    public void EnterCopiesTheFramesOfTheLevelsOutside()
    {
        using Guest guest = new(64, c => c.enter(0x20, 3));
        ulong outer = Top + 0x100;
        guest.Regs.Rbp = outer;
        guest.Space.Write(outer - 8, 0x1111ul);
        guest.Space.Write(outer - 16, 0x2222ul);
        guest.RunToEnd();
        ulong[] pushed = [outer, 0x1111, 0x2222, Top - 8];
        Assert.Equal(pushed, pushed.Select((_, i) => guest.Space.Read<ulong>(Top - 8 * (ulong)(i + 1))));
        Assert.Equal((Top - 8, Top - 32 - 0x20), (guest.Regs.Rbp, guest.Regs.Rsp));
    }

    [Fact]
    public void EnterTakesTheLevelModulo32()
    {
        using Guest guest = new(32, c => c.enter(4, 33));
        guest.Regs.Rbp = 0x77;
        guest.RunToEnd();
        Assert.Equal((0x77u, (uint)(Top - 4)), (guest.Space.Read<uint>(Top - 4), guest.Space.Read<uint>(Top - 8)));
        Assert.Equal((Top - 4, Top - 12), (guest.Regs.Rbp, guest.Regs.Rsp));
    }

    [Fact]
    public void EnterThatFaultsLeavesTheRegisters()
    {
        using Guest guest = new(64, c => c.enter(-1, 0));
        guest.Run();
        Assert.Equal((ExitReason.Exception, Guest.PageFault), (guest.Exit.Reason, guest.Exit.Vector));
        Assert.Equal((Top, Guest.Code), (guest.Regs.Rsp, guest.Regs.Rip));
    }

    [Fact]
    public void LeaveUndoesEnter()
    {
        using Guest guest = new(64, c =>
        {
            c.enter(0x40, 2);
            c.leave();
        });
        guest.Regs.Rbp = Top + 0x80;
        guest.RunToEnd();
        Assert.Equal((Top, Top + 0x80), (guest.Regs.Rsp, guest.Regs.Rbp));
    }

    [Fact]
    public void PushaPushesTheStackPointerFromBefore()
    {
        using Guest guest = new(32, c => c.pushad());
        for (int i = 0; i < 8; i++)
        {
            guest.Regs[i] = i == 4 ? Top : (ulong)(0x100 + i);
        }
        guest.RunToEnd();
        Assert.Equal(
            Enumerable.Range(0, 8).Select(i => i == 4 ? (uint)Top : (uint)(0x100 + i)),
            Enumerable.Range(0, 8).Select(i => guest.Space.Read<uint>(Top - 4 * (ulong)(i + 1))));
        Assert.Equal(Top - 32, guest.Regs.Rsp);
    }

    [Fact]
    public void PopaSkipsTheStackPointer()
    {
        using Guest guest = new(32, c =>
        {
            c.pushad();
            c.xor(eax, eax);
            c.xor(edi, edi);
            c.mov(__dword_ptr[esp + 12], 0x1234);
            c.popad();
        });
        guest.Regs.Rax = 5;
        guest.Regs.Rdi = 6;
        guest.RunToEnd();
        Assert.Equal((5ul, 6ul, Top), (guest.Regs.Rax, guest.Regs.Rdi, guest.Regs.Rsp));
    }

    [Fact]
    public void PopfInUserModeKeepsWhatIsPrivileged()
    {
        using Guest guest = new(64, c =>
        {
            c.push(-1 & ~(int)Trap);
            c.popfq();
        });
        guest.RunToEnd();
        const ulong Written = Direction | NestedTask | Identification;
        Assert.Equal(Written | Interrupt, guest.Regs.Rflags & (Written | Interrupt | IoPrivilege | Virtual8086));
        Assert.Equal(0x8D5ul, guest.Regs.Rflags & 0x8D5);
    }

    [Fact]
    public void PopfOf16BitsLeavesTheUpperHalf()
    {
        using Guest guest = new(64, c =>
        {
            c.push(0);
            c.popf();
        });
        guest.Regs.Rflags = Identification | Interrupt | 2 | 0x8D5;
        guest.Run(2);
        Assert.Equal(Identification | Interrupt | 2, guest.Regs.Rflags);
    }
}
