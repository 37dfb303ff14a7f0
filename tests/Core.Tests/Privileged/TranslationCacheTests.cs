using Iced.Intel;
using static FastVcpu.Tests.PageTables;
using static FastVcpu.Tests.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Privileged;

/// <summary>
/// What is cached of paging structures (SDM Vol. 3 4.10): what INVLPG invalidates is gone, in the middle of an instruction too; and what a guest has not invalidated depends on its
/// accesses only, so that a run is the same however it is cut into pieces.
/// </summary>
public sealed class TranslationCacheTests
{
    const ulong First = 0x20000, Second = First + 0x1000, Other = 0x23000, Conflicting = First + 0x40000;
    const uint NotPresent = 0;

    static readonly byte[] moveAcrossPages = [0xB8, 0x11], restOfOne = [0x11, 0x11, 0x11, 0xC3], restOfOther = [0x22, 0x22, 0x22, 0xC3];

    /// <summary>Calls an instruction that reaches into the second page, maps that anew, and calls again.</summary>
    static SystemMachine CallingAcrossPages(ulong entry, uint leadsTo)
    {
        SystemMachine machine = new(Start.Long, c =>
        {
            c.mov(rbx, entry);
            c.call(rbx);
            c.call(rbx);
            c.mov(__dword_ptr[rsi], leadsTo);
            c.invlpg(__byte_ptr[rdi]);
            c.call(rbx);
            c.mov(edx, eax);
        });
        machine.Regs.Rsi = machine.Pages.At(Second);
        machine.Regs.Rdi = Second;
        machine.Write(Second - 2, moveAcrossPages);
        machine.Write(Second, restOfOne);
        machine.Write(Other, restOfOther);
        // A jump within the page, for which a link is made.
        machine.Assemble(First, c => c.jmp(Second - 2));
        return machine;
    }

    [Theory]
    [InlineData(Second - 2, 10_000)]
    [InlineData(Second - 2, 1)]
    [InlineData(First, 10_000)]
    [InlineData(First, 1)]
    public void TheSecondPageOfAnInstructionIsTranslatedAnew(ulong entry, long most)
    {
        using SystemMachine machine = CallingAcrossPages(entry, (uint)(Other | All));
        RunInPieces(machine, most);
        Assert.Equal(0x22222211ul, machine.Regs.Rdx);
    }

    [Theory]
    [InlineData(Second - 2, 10_000)]
    [InlineData(Second - 2, 1)]
    [InlineData(First, 10_000)]
    [InlineData(First, 1)]
    public void TheSecondPageOfAnInstructionFaultsWhenItIsGone(ulong entry, long most)
    {
        using SystemMachine machine = CallingAcrossPages(entry, NotPresent);
        RunInPieces(machine, most);
        Assert.Equal((Handler(14) + 1, Second, Second - 2), (machine.Regs.Rip, machine.System.Cr2, machine.Frame(14).Rip));
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(1)]
    public void WhatIsCachedForWritesDoesNotDependOnWhatIsDecoded(long most)
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.mov(__dword_ptr[rbx], 1);
            c.mov(__dword_ptr[rsi], NotPresent);
            c.call(rdi);
            c.mov(__dword_ptr[rbx], 2);
        });
        machine.Regs.Rbx = First;
        machine.Regs.Rsi = machine.Pages.At(First);
        machine.Regs.Rdi = Other;
        machine.Assemble(Other, c => c.ret());
        RunInPieces(machine, most);
        Assert.Equal((machine.CodeEnd + 1, 2u), (machine.Regs.Rip, machine.Read<uint>(First)));
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(1)]
    public void AWriteToCodeUsesTheTranslationThatIsCached(long most)
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.call(rbx);
            c.mov(__byte_ptr[rbx], 0x90);
            c.mov(__dword_ptr[rsi], NotPresent);
            c.mov(__byte_ptr[rbx + 1], 0xC3);
            c.call(rbx);
        });
        machine.Regs.Rbx = First;
        machine.Regs.Rsi = machine.Pages.At(First);
        machine.Write(First, 0xC3, 0xF4);
        RunInPieces(machine, most);
        Assert.Equal(machine.CodeEnd + 1, machine.Regs.Rip);
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(1)]
    public void WhatIsCachedForFetchesDoesNotDependOnOtherPagesOfCode(long most)
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.call(rbx);
            c.mov(__dword_ptr[rsi], NotPresent);
            c.call(rdi);
            c.inc(rbx);
            c.call(rbx);
        });
        machine.Regs.Rbx = First;
        machine.Regs.Rsi = machine.Pages.At(First);
        machine.Regs.Rdi = Conflicting;
        machine.Pages.Map(Conflicting, Other);
        machine.Write(First, 0xC3, 0xC3);
        machine.Write(Other, 0xC3);
        RunInPieces(machine, most);
        Assert.Equal(machine.CodeEnd + 1, machine.Regs.Rip);
    }

    static void RunInPieces(SystemMachine machine, long most)
    {
        while (machine.Run(most).Reason == ExitReason.InstructionLimit)
        {
        }
        Assert.Equal(ExitReason.Hlt, machine.Exit.Reason);
    }
}
