using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Interrupts;

/// <summary>
/// One vCPU changes a translation and interrupts another one that uses it. After the other has acknowledged, it reads, writes and executes the new page only.
/// </summary>
public class ShootDownTests
{
    const ulong Page = 0x50000, FirstFrame = 0x20000, SecondFrame = 0x21000, VictimCode = 0x24000, VictimStack = 0x27000, Apic = 0xFEE00000;
    const int Acknowledged = 0xD000, Iterations = 0xD008, Result = 0xD010, IsStale = 0xD018, Stamp = 8, Identity = 16, Routine = 0x100;
    const int Vector = 0x60, Good = 0, Poison = 0xDEAD;
    const byte Done = 0xF4, Failed = 0xF5;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void AfterTheAcknowledgementTheOldPageIsNotUsed(bool reloadsCr3, bool inTurn)
    {
        using SystemMachine machine = new(Start.Long, ChangeAndInterrupt, clock: inTurn ? new InstructionClock() : null, devices: vm => vm.CreateIrqChip());
        foreach (ulong frame in new[] { FirstFrame, SecondFrame })
        {
            machine.Write(frame + Identity, (uint)frame);
            machine.Assemble(frame + Routine, a => { a.mov(eax, (int)frame); a.ret(); });
        }
        machine.Pages.Map(Apic, Apic);
        machine.Pages.Map(Page, FirstFrame);
        machine.Assemble(VictimCode, Use);
        machine.Assemble(SystemMachine.Handler(Vector), a => a.jmp(VictimCode + 0x800));
        machine.Assemble(VictimCode + 0x800, a => Acknowledge(a, reloadsCr3));
        Vcpu victim = machine.Vm.CreateVcpu(CpuModel.Max);
        machine.Cpu.Apic!.Write(0xF0, [0xFF, 1, 0, 0]);
        victim.Apic!.Write(0xF0, [0xFF, 1, 0, 0]);
        victim.MpState = MpState.Runnable;
        victim.SystemRegisters = machine.Cpu.SystemRegisters with { ApicBase = victim.ApicBase };
        victim.Registers = new GeneralRegisters { Rip = VictimCode, Rsp = VictimStack, Rflags = 0x202 };
        machine.Regs.R14 = machine.Pages.At(Page);
        machine.Regs.Rcx = inTurn ? 300u : (uint)Background.Turns(800);

        if (inTurn)
        {
            VcpuExit last = new RoundRobin(machine.Vm, 97).Run(50_000_000);
            Assert.Equal((ExitReason.Io, Done), (last.Reason, (byte)last.Port));
            return;
        }
        Task<VcpuExit> other = Background.Run(victim);
        VcpuExit exit = Background.Run(machine.Cpu).End();
        victim.RequestExit();
        Assert.Equal(ExitReason.Interrupted, other.End().Reason);
        Assert.Equal((ExitReason.Io, Done), (exit.Reason, (byte)exit.Port));
    }

    /// <summary>R14 is the address of the page-table entry, RCX the number of changes.</summary>
    static void ChangeAndInterrupt(Assembler a)
    {
        Label next = a.CreateLabel(), isAcknowledged = a.CreateLabel(), hasGoneOn = a.CreateLabel(), failed = a.CreateLabel();
        a.mov(ebx, unchecked((int)Apic));
        a.mov(r12d, (int)FirstFrame);
        a.mov(r13d, (int)SecondFrame);
        a.xor(r15d, r15d);
        a.Label(ref next);
        a.mov(rax, r13);
        a.or(rax, 7);
        a.mov(__qword_ptr[r14], rax);
        a.mov(__dword_ptr[rbx + 0x310], 1 << 24);
        a.mov(__dword_ptr[rbx + 0x300], 0x4000 | Vector);
        a.inc(r15);
        a.Label(ref isAcknowledged);
        a.pause();
        a.cmp(__qword_ptr[Acknowledged], r15);
        a.jne(isAcknowledged);
        a.mov(__dword_ptr[r12], Poison);
        a.mov(__qword_ptr[r12 + Stamp], 0);
        a.mov(rdx, __qword_ptr[Iterations]);
        a.add(rdx, 3);
        a.Label(ref hasGoneOn);
        a.pause();
        a.cmp(__qword_ptr[Iterations], rdx);
        a.jb(hasGoneOn);
        a.cmp(__qword_ptr[r12 + Stamp], 0);
        a.jne(failed);
        a.cmp(__dword_ptr[IsStale], 0);
        a.jne(failed);
        a.mov(eax, __dword_ptr[Result]);
        a.cmp(eax, __dword_ptr[r13 + Identity]);
        a.jne(failed);
        a.mov(__dword_ptr[r12], Good);
        a.xchg(r12, r13);
        a.dec(rcx);
        a.jnz(next);
        a.@out(Done, al);
        a.Label(ref failed);
        a.@out(Failed, al);
    }

    /// <summary>Reads the page, writes it, and executes it.</summary>
    static void Use(Assembler a)
    {
        Label again = a.CreateLabel(), isGood = a.CreateLabel();
        a.mov(ebp, (int)Page);
        a.mov(r8d, 1);
        a.Label(ref again);
        a.mov(eax, __dword_ptr[rbp]);
        a.cmp(eax, Poison);
        a.jne(isGood);
        a.mov(__dword_ptr[IsStale], 1);
        a.Label(ref isGood);
        a.mov(__qword_ptr[rbp + Stamp], r8);
        a.inc(r8);
        a.lea(rax, __qword_ptr[rbp + Routine]);
        a.call(rax);
        a.mov(__dword_ptr[Result], eax);
        a.mov(__qword_ptr[Iterations], r8);
        a.jmp(again);
    }

    static void Acknowledge(Assembler a, bool reloadsCr3)
    {
        a.push(rax);
        if (reloadsCr3)
        {
            a.mov(rax, cr3);
            a.mov(cr3, rax);
        }
        else
        {
            a.invlpg(__byte_ptr[rbp]);
        }
        a.inc(__qword_ptr[Acknowledged]);
        a.mov(eax, unchecked((int)Apic));
        a.mov(__dword_ptr[rax + 0xB0], 0);
        a.pop(rax);
        a.iretq();
    }
}
