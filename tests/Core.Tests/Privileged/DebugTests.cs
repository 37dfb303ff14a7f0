using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>The guest's own debugging: single step, DR0–DR7, general detect, INT1 (SDM Vol. 3 chapter 18).</summary>
public sealed class DebugTests
{
    const ulong Trap = 0x100, Resume = 0x10000, ActiveLow = 0xFFFF0FF0, Step = 0x4000, Access = 0x2000;
    const ulong Counter = Data + 0x800;

    /// <summary>Code whose #DB handler notes address and DR6 of each event and goes on; the code clears TF itself.</summary>
    static SystemMachine Tracing(Action<Assembler> code, Start? start = null)
    {
        SystemMachine machine = new(start ?? Start.Long, code);
        machine.Assemble(Data + 0x400, c =>
        {
            c.push(rax);
            c.push(rbx);
            c.mov(ebx, __dword_ptr[Counter]);
            c.shl(ebx, 4);
            c.mov(rax, __qword_ptr[rsp + 16]);
            c.mov(__qword_ptr[rbx + (long)(Counter + 16)], rax);
            c.mov(rax, dr6);
            c.mov(__qword_ptr[rbx + (long)(Counter + 24)], rax);
            c.inc(__dword_ptr[Counter]);
            c.pop(rbx);
            c.pop(rax);
            c.iretq();
        }, 64);
        machine.SetGate(1, Descriptors.Gate(Descriptors.InterruptGate32, Code64, Data + 0x400, 3));
        return machine;
    }

    static (ulong At, ulong Dr6)[] Trace(SystemMachine machine)
    {
        machine.Done();
        return [.. Enumerable.Range(0, (int)machine.Read<uint>(Counter)).Select(i => (machine.Read<ulong>(Counter + 16 + (ulong)i * 16), machine.Read<ulong>(Counter + 24 + (ulong)i * 16)))];
    }

    static void SetTrapFlag(Assembler c)
    {
        c.pushfq();
        c.pop(rax);
        c.or(rax, (int)Trap);
        c.push(rax);
        c.popfq();
    }

    static void ClearTrapFlag(Assembler c)
    {
        c.and(rax, ~(int)Trap);
        c.push(rax);
        c.popfq();
    }

    static ulong Length(Action<Assembler> code) => (ulong)Guest.Assemble(64, code, Origin).Length;

    [Fact]
    public void SingleStepBeginsBehindTheNextInstruction_Sdm3_18_3_1_4()
    {
        using SystemMachine machine = Tracing(c => { SetTrapFlag(c); ClearTrapFlag(c); c.nop(); });
        ulong start = Origin + Length(SetTrapFlag), step = Length(c => c.and(rax, ~(int)Trap));
        Assert.Equal([(start + step, ActiveLow | Step), (start + step + 1, ActiveLow | Step), (start + step + 2, ActiveLow | Step)], Trace(machine));
    }

    [Fact]
    public void StiDoesNotHoldSingleStepsBack_Sdm3_6_8_3()
    {
        using SystemMachine machine = Tracing(c => { SetTrapFlag(c); c.sti(); ClearTrapFlag(c); });
        Assert.Equal(Origin + Length(SetTrapFlag) + 1, Trace(machine)[0].At);
    }

    [Fact]
    public void MovSsHoldsThemBack_Sdm3_6_8_3()
    {
        using SystemMachine machine = Tracing(c => { c.mov(ecx, ss); SetTrapFlag(c); c.mov(ss, ecx); c.nop(); ClearTrapFlag(c); });
        ulong behindMov = Origin + 2 + Length(SetTrapFlag) + 2;
        Assert.Equal((behindMov + 1, ActiveLow | Step), Trace(machine)[0]);
    }

    [Fact]
    public void Int1AfterMovSsWithTrapFlagIsOneExceptionWithoutBs_Sdm3_18_3_1_6()
    {
        using SystemMachine machine = Tracing(c => { c.mov(ecx, ss); SetTrapFlag(c); c.mov(ss, ecx); c.int1(); c.int1(); ClearTrapFlag(c); });
        ulong at = Origin + 2 + Length(SetTrapFlag) + 2;
        (ulong, ulong)[] trace = Trace(machine);
        Assert.Equal([(at + 1, ActiveLow), (at + 2, ActiveLow)], trace[..2]);
        Assert.Equal(ActiveLow | Step, trace[2].Item2);
        Assert.Equal(5, trace.Length);
    }

    [Theory]
    [InlineData("F1", 1)]
    [InlineData("CD01", 2)]
    public void AWatchpointHeldBackByMovSs_Sdm3_6_8_3(string code, int events)
    {
        using SystemMachine machine = Tracing(c => { c.mov(ss, __word_ptr[Data]); c.db(Convert.FromHexString(code)); });
        machine.Write(Data, Data32);
        machine.Cpu.DebugRegisters = new(0, Data, 0, 0, ActiveLow, 0x00F0040A);
        (ulong At, ulong Dr6)[] trace = Trace(machine);
        Assert.Equal(events, trace.Length);
        Assert.Contains(trace, e => e.At == machine.CodeEnd && (e.Dr6 & 2) != 0);
    }

    [Fact]
    public void BreakpointsAreFaultsAndReplaceTheirBitsOnly_Sdm3_18_2_3()
    {
        using SystemMachine machine = new(Start.Long, c => { c.nop(); c.nop(); });
        machine.Cpu.DebugRegisters = new(0, 0, Origin + 1, 0, ActiveLow | Step | 2, 0x420);
        Seen seen = machine.See();
        Assert.Equal((1, Origin + 1, 2ul, ActiveLow | Step | 4), (seen.Vector, seen.Rip, seen.Flags, machine.Cpu.DebugRegisters.Dr6));
        // Returning with RF runs the instruction.
        machine.Regs.Rip = Origin + 1;
        machine.Regs.Rflags = Resume | 2;
        machine.Done();
    }

    [Theory]
    [InlineData(1, 0, 1, true)]
    [InlineData(1, 0, 0, false)]
    [InlineData(3, 0, 0, true)]
    [InlineData(1, 3, 4, true)]
    [InlineData(1, 3, 3, true)]
    [InlineData(1, 1, 2, false)]
    public void Watchpoints_Sdm3_18_2_4(int type, int length, int access, bool hits)
    {
        // access: 0 reads the dword, 1 writes its first byte, 2 writes its last byte, 3 writes its last byte as a word across, 4 writes all of it
        using SystemMachine machine = new(Start.Long, c =>
        {
            switch (access)
            {
                case 0:
                    c.mov(eax, __dword_ptr[Data]);
                    break;
                case 1:
                    c.mov(__byte_ptr[Data], al);
                    break;
                case 2:
                    c.mov(__byte_ptr[Data + 3], al);
                    break;
                case 3:
                    c.mov(__word_ptr[Data + 3], ax);
                    break;
                default:
                    c.mov(__dword_ptr[Data], eax);
                    break;
            }
            c.nop();
        });
        machine.Cpu.DebugRegisters = new(Data, 0, 0, 0, ActiveLow, 0x402 | (ulong)type << 16 | (ulong)length << 18);
        if (!hits)
        {
            machine.Done();
            return;
        }
        Seen seen = machine.See();
        Assert.Equal((1, machine.CodeEnd - 1, ActiveLow | 1), (seen.Vector, seen.Rip, machine.Cpu.DebugRegisters.Dr6));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PortBreakpointsNeedDe_Sdm3_18_2_4(bool enabled)
    {
        using SystemMachine machine = new(Start.Long, c => { c.@out(0x80, al); c.nop(); });
        machine.System = machine.System with { Cr4 = machine.System.Cr4 | (enabled ? 8u : 0) };
        machine.Cpu.DebugRegisters = new(0x80, 0, 0, 0, ActiveLow, 0x402 | 2 << 16);
        Assert.Equal(ExitReason.Io, machine.Run().Reason);
        if (enabled)
        {
            Assert.Equal((1, Origin + 2), (machine.See().Vector, machine.Frame(1).Rip));
        }
        else
        {
            machine.Done();
        }
    }

    [Fact]
    public void GeneralDetectIsAFaultAndIsClearedOnEntry_Sdm3_18_2_4()
    {
        using SystemMachine machine = new(Start.Long, c => c.mov(rax, dr0));
        machine.Cpu.DebugRegisters = DebugRegisters.Reset with { Dr7 = 0x2400 };
        Seen seen = machine.See();
        Assert.Equal((1, Origin, ActiveLow | Access, 0x400ul), (seen.Vector, seen.Rip, machine.Cpu.DebugRegisters.Dr6, machine.Cpu.DebugRegisters.Dr7));
    }

    [Fact]
    public void ReservedBits_Sdm3_18_2()
    {
        using SystemMachine machine = new(Start.Long, c => { c.mov(dr6, rax); c.mov(rbx, dr6); c.mov(dr7, rax); c.mov(rcx, dr7); });
        machine.Regs.Rax = 0;
        machine.Done();
        Assert.Equal((ActiveLow, 0x400ul), (machine.Regs.Rbx, machine.Regs.Rcx));
        foreach (byte register in new byte[] { 0xF0, 0xF8 })
        {
            using SystemMachine upper = new(Start.Long, [0x0F, 0x23, register]);
            upper.Regs.Rax = 1ul << 32;
            upper.Faults(13, 0);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dr4AndDr5_Sdm3_18_2_2(bool extensions)
    {
        using SystemMachine machine = new(Start.Long, [0x0F, 0x21, 0xE0, 0x0F, 0x21, 0xEB]);
        machine.System = machine.System with { Cr4 = machine.System.Cr4 | (extensions ? 8u : 0) };
        if (extensions)
        {
            machine.Faults(6);
            return;
        }
        machine.Done();
        Assert.Equal((ActiveLow, 0x400ul), (machine.Regs.Rax, machine.Regs.Rbx));
    }

    [Fact]
    public void ARepeatedStringInstructionIsSteppedByElements_Sdm3_18_3_1_4()
    {
        using SystemMachine machine = new(Start.Long, c => c.rep.stosb());
        (machine.Regs.Rcx, machine.Regs.Rdi) = (3, Data);
        machine.Regs.Rflags |= Trap;
        Seen seen = machine.See();
        Assert.Equal((1, Origin, 2ul, Data + 1, Resume), (seen.Vector, seen.Rip, machine.Regs.Rcx, machine.Regs.Rdi, seen.Flags & Resume));
    }

    [Fact]
    public void InterruptsComeBeforeCodeBreakpointsAndAfterTraps_Sdm3_Table_6_2()
    {
        using SystemMachine machine = new(Start.Long, c => { c.nop(); c.nop(); });
        machine.Cpu.DebugRegisters = new(Origin, 0, 0, 0, ActiveLow, 0x402);
        machine.Regs.Rflags |= 0x200;
        machine.Cpu.Interrupt(0x30);
        Assert.Equal((0x30, Origin), (machine.See().Vector, machine.Frame(0x30).Rip));
    }
}
