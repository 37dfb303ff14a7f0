using Iced.Intel;

namespace FastVcpu.Tests.Execution;

/// <summary>A store into code takes effect for the next instruction, as the byte says.</summary>
public sealed class SelfModifyingCodeTests
{
    const PagePermissions All = PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute;

    [Fact]
    public void AStoreIntoTheNextInstructionOfTheRunningBlockTakesEffect()
    {
        using Guest guest = Writable(c =>
        {
            Label immediate = c.CreateLabel();
            c.lea(rbx, __[immediate]);
            c.mov(__byte_ptr[rbx + 1], 42);
            c.Label(ref immediate);
            c.mov(al, 7);
        });
        guest.Regs.Rax = 0;
        guest.RunToEnd();
        Assert.Equal(42u, guest.Regs.Rax);
    }

    [Fact]
    public void AStoreIntoTheMiddleOfALaterInstructionTakesEffectEveryTime()
    {
        using Guest guest = Writable(c =>
        {
            Label loop = c.CreateLabel(), patched = c.CreateLabel();
            c.xor(edx, edx);
            c.mov(ecx, 200);
            c.lea(rbx, __[patched]);
            c.Label(ref loop);
            c.mov(__[rbx + 1], ecx);
            c.nop();
            c.Label(ref patched);
            c.mov(eax, 0);
            c.add(edx, eax);
            c.dec(ecx);
            c.jne(loop);
        });
        guest.RunToEnd();
        Assert.Equal(200u * 201 / 2, guest.Regs.Rdx);
    }

    [Fact]
    public void ARepStoreOverTheCodeBehindItTakesEffect()
    {
        using Guest guest = Writable(c =>
        {
            Label target = c.CreateLabel();
            c.lea(rdi, __[target]);
            c.mov(ecx, 4);
            c.mov(al, 0x90);
            c.rep.stosb();
            c.Label(ref target);
            c.ud2();
            c.ud2();
            c.mov(eax, 1);
        });
        guest.RunToEnd();
        Assert.Equal(1u, guest.Regs.Rax);
    }

    [Fact]
    public void AStoreThatCrossesIntoACodePageTakesEffect()
    {
        byte[] code = Guest.Assemble(64, c => c.mov(eax, 7), 0x12000);
        using Guest guest = new(64, c =>
        {
            c.mov(rbx, 0x12000 - 2);
            c.call(0x12000);
            c.mov(__dword_ptr[rbx], unchecked((int)0x2AB8_9090));
            c.call(0x12000);
        });
        guest.Space.Map(0x11000, 0x2000, All);
        guest.Space.Write(0x12000, [.. code, 0xC3]);
        guest.RunToEnd();
        Assert.Equal(42u, guest.Regs.Rax);
    }

    [Fact]
    public void AWriteOfTheHostTakesEffect()
    {
        using Guest guest = Writable(c => c.mov(eax, 1));
        guest.RunToEnd();
        guest.Space.Write(Guest.Code + 1, 2);
        guest.Rewind();
        guest.RunToEnd();
        Assert.Equal(2u, guest.Regs.Rax);
    }

    [Fact]
    public void CodeThatIsMappedAnewIsDecodedAnew()
    {
        using Guest guest = Writable(c => c.mov(eax, 1));
        guest.RunToEnd();
        guest.Space.Map(Guest.Code, 4096, All);
        guest.Space.Write(Guest.Code, Guest.Assemble(64, c => c.mov(eax, 3)));
        guest.Space.Write(guest.CodeEnd, [0x0F, 0x0B]);
        guest.Rewind();
        guest.RunToEnd();
        Assert.Equal(3u, guest.Regs.Rax);
    }

    [Fact]
    public void DataBesideCodeCanBeWrittenOftenWithoutHarm()
    {
        using Guest guest = Writable(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rbx, Guest.Code + 2048);
            c.mov(ecx, 100_000);
            c.Label(ref loop);
            c.inc(__dword_ptr[rbx]);
            c.dec(ecx);
            c.jne(loop);
        });
        guest.RunToEnd();
        Assert.Equal(100_000u, guest.Space.Read<uint>(Guest.Code + 2048));
    }

    static Guest Writable(Action<Assembler> code)
    {
        Guest guest = new(64, code);
        guest.Space.Protect(Guest.Code, 4096, All);
        return guest;
    }
}
