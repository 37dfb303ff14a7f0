using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS (SDM Vol. 2; APM Vol. 2 6.1).</summary>
public sealed class SystemCallTests
{
    const uint SysenterCs = 0x174, SysenterEsp = 0x175, SysenterEip = 0x176, Star = 0xC0000081, Lstar = 0xC0000082, Cstar = 0xC0000083, Mask = 0xC0000084;
    const uint GsBase = 0xC0000101, KernelGsBase = 0xC0000102;
    const ulong Interrupt = 0x200, Trap = 0x100, SystemCallEnable = 1;

    static SystemMachine Machine(Start start, Action<Assembler> code, bool enabled = true)
    {
        SystemMachine machine = new(start, code);
        machine.System = machine.System with { Efer = machine.System.Efer | (enabled ? SystemCallEnable : 0) };
        Set(machine, Star, 0x0053_0028_0000_D000);
        if (start.IsLong)
        {
            Set(machine, Lstar, Data);
            Set(machine, Cstar, Data + 0x100);
            Set(machine, Mask, Interrupt | Trap);
        }
        machine.Write(Data, (byte)0xF4);
        machine.Write(Data + 0x100, (byte)0xF4);
        return machine;
    }

    static void Set(SystemMachine machine, uint index, ulong value) => Assert.True(machine.Cpu.TrySetMsr(index, value));

    static (ushort, ushort, ushort, ushort) Selectors(SystemMachine machine) =>
        (machine.System.Cs.Selector, machine.System.Cs.Attributes, machine.System.Ss.Selector, machine.System.Ss.Attributes);

    [Fact]
    public void SyscallFrom64BitCode_Sdm2_Syscall()
    {
        using SystemMachine machine = Machine(Start.User64, c => c.syscall());
        machine.Regs.Rflags = 2 | Interrupt | 1 | 0x3000;
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Data + 1, machine.CodeEnd, 2 | Interrupt | 1 | 0x3000, Stack3), (machine.Exit.Reason, machine.Regs.Rip, machine.Regs.Rcx, machine.Regs.R11, machine.Regs.Rsp));
        Assert.Equal(0x3003ul, machine.Regs.Rflags);
        Assert.Equal((0x28, 0xA09B, 0x30, 0xC093), Selectors(machine));
    }

    [Fact]
    public void SyscallFromCompatibilityModeGoesToCstar_Apm2_6_1_1()
    {
        using SystemMachine machine = Machine(Start.Compatibility with { Cpl = 3 }, c => c.syscall());
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Data + 0x101, machine.CodeEnd), (machine.Exit.Reason, machine.Regs.Rip, machine.Regs.Rcx));
    }

    [Fact]
    public void SyscallInLegacyMode_Apm2_6_1_1()
    {
        using SystemMachine machine = Machine(Start.User32, c => c.syscall());
        machine.Regs.Rflags |= Interrupt;
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Data + 1, machine.CodeEnd, 2ul), (machine.Exit.Reason, machine.Regs.Rip, machine.Regs.Rcx, machine.Regs.Rflags));
        Assert.Equal((0x28, 0xC09B, 0x30, 0xC093), Selectors(machine));
    }

    [Theory]
    [InlineData("0F05")]
    [InlineData("480F07")]
    [InlineData("0F07")]
    public void WithoutSceTheyAreUndefined_Sdm2_Syscall(string code)
    {
        using SystemMachine machine = new(Start.Long, Convert.FromHexString(code));
        machine.Faults(6);
    }

    [Fact]
    public void SysretTo64BitCode_Sdm2_Sysret()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.sysretq());
        machine.Regs.Rcx = Data;
        machine.Regs.R11 = ulong.MaxValue & ~Trap;
        machine.Write(Data, (byte)0xCD, (byte)0x80);
        Seen seen = machine.See();
        Assert.Equal((0x80, (ushort)0x63, (ushort)0x5B, Stack0), (seen.Vector, seen.Cs, seen.Ss, seen.Rsp));
        Assert.Equal(0x3C7ED7ul, seen.Flags);
    }

    [Fact]
    public void SysretToCompatibilityMode_Sdm2_Sysret()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.sysret());
        machine.Regs.Rcx = 0xABCD_0000_0000 | Data;
        machine.Regs.R11 = 2;
        machine.Assemble(Data, c => { c.dec(ecx); c.@int(0x80); }, 32);
        Seen seen = machine.See();
        Assert.Equal((0x80, (ushort)0x53, (ushort)0x5B, Data - 1, Data + 3), (seen.Vector, seen.Cs, seen.Ss, machine.Regs.Rcx, seen.Rip));
    }

    [Fact]
    public void SysretToANonCanonicalAddress_Sdm2_Sysret()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.sysretq());
        machine.Regs.Rcx = 0x8000_0000_0000;
        machine.Faults(13, 0);
    }

    [Fact]
    public void SysretAtLevel3_Sdm2_Sysret()
    {
        using SystemMachine machine = Machine(Start.User64, c => c.sysretq());
        machine.Faults(13, 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SysenterAndSysexit_Sdm2_Sysenter(bool isLong)
    {
        using SystemMachine machine = new(isLong ? Start.User64 : Start.User32, c => c.sysenter());
        Set(machine, SysenterCs, 0x100);
        Set(machine, SysenterEsp, Stack1);
        Set(machine, SysenterEip, Data);
        machine.Regs.Rflags |= Interrupt;
        (machine.Regs.Rcx, machine.Regs.Rdx) = (Stack3 - 8, Data + 0x40);
        machine.Assemble(Data, c =>
        {
            c.mov(eax, esp);
            if (isLong)
            {
                c.sysexitq();
            }
            else
            {
                c.sysexit();
            }
        });
        machine.Assemble(Data + 0x40, c => c.@int(0x80));
        machine.Run(1);
        Assert.Equal((0x100, isLong ? 0xA09B : 0xC09B, 0x108, 0xC093), Selectors(machine));
        Assert.Equal((Stack1, Data, 2ul), (machine.Regs.Rsp, machine.Regs.Rip, machine.Regs.Rflags));
        Seen seen = machine.See();
        Assert.Equal((0x80, Stack3 - 8, (ushort)(isLong ? 0x123 : 0x113), (ushort)(isLong ? 0x12B : 0x11B)), (seen.Vector, seen.Rsp, seen.Cs, seen.Ss));
    }

    [Theory]
    [InlineData("0F34")]
    [InlineData("0F35")]
    public void ANullSysenterCsIsRefused_Sdm2_Sysenter(string code)
    {
        using SystemMachine machine = new(Start.Protected32, Convert.FromHexString(code));
        Set(machine, SysenterCs, 3);
        machine.Faults(13, 0);
    }

    [Fact]
    public void SysexitAtLevel3_Sdm2_Sysexit()
    {
        using SystemMachine machine = new(Start.User32, c => c.sysexit());
        Set(machine, SysenterCs, 0x100);
        machine.Faults(13, 0);
    }

    [Fact]
    public void SwapGs_Sdm2_Swapgs()
    {
        using SystemMachine machine = new(Start.Long, c => { c.swapgs(); c.mov(eax, __dword_ptr.gs[0]); });
        Set(machine, GsBase, 0x1234);
        Set(machine, KernelGsBase, Data);
        machine.Write(Data, 0xCAFEu);
        machine.Done();
        Assert.True(machine.Cpu.TryGetMsr(KernelGsBase, out ulong value));
        Assert.Equal((0xCAFEul, 0x1234ul), (machine.Regs.Rax, value));
        using SystemMachine user = new(Start.User64, c => c.swapgs());
        user.Faults(13, 0);
        using SystemMachine compatibility = new(Start.Compatibility, [0x0F, 0x01, 0xF8]);
        compatibility.Faults(6);
    }

    [Fact]
    public void ATrapFlagThatSyscallMasksDoesNotTrap_Sdm2_Syscall()
    {
        using SystemMachine machine = Machine(Start.User64, c => c.syscall());
        machine.Regs.Rflags |= Trap;
        machine.Run();
        Assert.Equal((ExitReason.Hlt, Data + 1, 0x102ul), (machine.Exit.Reason, machine.Regs.Rip, machine.Regs.R11));
    }

    [Fact]
    public void ATrapFlagThatSyscallKeepsTrapsInTheKernel_Sdm2_Syscall()
    {
        using SystemMachine machine = Machine(Start.User64, c => c.syscall());
        Set(machine, Mask, 0);
        machine.Regs.Rflags |= Trap;
        Seen seen = machine.See();
        Assert.Equal((1, Data, (ushort)0x28), (seen.Vector, seen.Rip, seen.Cs));
    }

    [Fact]
    public void SysretThatSetsTheTrapFlagTrapsAtOnce_Sdm2_Sysret()
    {
        using SystemMachine machine = Machine(Start.Long, c => c.sysretq());
        machine.Regs.Rcx = Data;
        machine.Regs.R11 = Trap | 2;
        machine.Assemble(Data, c => c.nop());
        Seen seen = machine.See();
        Assert.Equal((1, (ushort)0x63), (seen.Vector, seen.Cs));
        Assert.Equal((Data, 0xFFFF4FF0ul), (seen.Rip, machine.Cpu.DebugRegisters.Dr6));
    }
}
