using Iced.Intel;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Model-specific registers: what they take, what they refuse, and that others do not exist (SDM Vol. 2, WRMSR; Vol. 4).</summary>
public sealed class MsrTests
{
    const ulong NonCanonical = 0x8000_0000_0000, Canonical = 0xFFFF_8000_0000_1000;

    static SystemMachine Writing(uint index, ulong value, Start? start = null)
    {
        SystemMachine machine = new(start ?? Start.Long, c => { c.wrmsr(); c.rdmsr(); });
        (machine.Regs.Rcx, machine.Regs.Rax, machine.Regs.Rdx) = (index, (uint)value, value >> 32);
        return machine;
    }

    [Theory]
    [InlineData(0x174u, 0x1234ul, 0x1234ul)]
    [InlineData(0x175u, Canonical, Canonical)]
    [InlineData(0x176u, Canonical, Canonical)]
    [InlineData(0x277u, 0x0007_0406_0007_0406ul, 0x0007_0406_0007_0406ul)]
    [InlineData(0x2FFu, 0xC06ul, 0xC06ul)]
    [InlineData(0x200u, 0x12345006ul, 0x12345006ul)]
    [InlineData(0x201u, 0xFFFF_0000_0800ul, 0xFFFF_0000_0800ul)]
    [InlineData(0x250u, 0x0606_0606_0606_0606ul, 0x0606_0606_0606_0606ul)]
    [InlineData(0x26Fu, 0ul, 0ul)]
    [InlineData(0xC0000081u, 0x1234_5678_9ABC_DEF0ul, 0x1234_5678_9ABC_DEF0ul)]
    [InlineData(0xC0000082u, Canonical, Canonical)]
    [InlineData(0xC0000083u, Canonical, Canonical)]
    [InlineData(0xC0000084u, 0xFFFF_FFFFul, 0xFFFF_FFFFul)]
    [InlineData(0xC0000100u, Canonical, Canonical)]
    [InlineData(0xC0000101u, Canonical, Canonical)]
    [InlineData(0xC0000102u, Canonical, Canonical)]
    [InlineData(0xC0000103u, 0xFFFF_FFFFul, 0xFFFF_FFFFul)]
    [InlineData(0x1D9u, 2ul, 2ul)]
    [InlineData(0x3Bu, 0ul, 0ul)]
    public void Takes_Sdm4(uint index, ulong value, ulong result)
    {
        using SystemMachine machine = Writing(index, value).Done();
        Assert.Equal(result, machine.Regs.Rax | machine.Regs.Rdx << 32);
    }

    [Theory]
    [InlineData(0x175u, NonCanonical)]
    [InlineData(0x176u, NonCanonical)]
    [InlineData(0xC0000082u, NonCanonical)]
    [InlineData(0xC0000083u, NonCanonical)]
    [InlineData(0xC0000100u, NonCanonical)]
    [InlineData(0xC0000101u, NonCanonical)]
    [InlineData(0xC0000102u, NonCanonical)]
    [InlineData(0xC0000103u, 1ul << 32)]
    [InlineData(0x277u, 2ul)]
    [InlineData(0x277u, 3ul << 56)]
    [InlineData(0x277u, 8ul)]
    [InlineData(0x2FFu, 2ul)]
    [InlineData(0x2FFu, 1ul << 12)]
    [InlineData(0x200u, 1ul << 50)]
    [InlineData(0x200u, 0x102ul)]
    [InlineData(0x201u, 0x400ul)]
    [InlineData(0x250u, 2ul)]
    [InlineData(0xFEu, 0ul)]
    [InlineData(0x1Bu, 1ul << 48)]
    [InlineData(0x1Bu, 0xFEE00901ul)]
    [InlineData(0xC0000080u, 1ul << 16)]
    [InlineData(0x1D9u, 1ul << 40)]
    public void Refuses_Sdm2_Wrmsr(uint index, ulong value)
    {
        using SystemMachine machine = Writing(index, value);
        machine.Faults(13, 0);
        Assert.Equal((index, (uint)value), ((uint)machine.Regs.Rcx, (uint)machine.Regs.Rax));
    }

    [Theory]
    [InlineData(0x12345678u)]
    [InlineData(0x40000000u)]
    [InlineData(0xC0000085u)]
    [InlineData(0x210u)]
    [InlineData(0x271u)]
    [InlineData(0x11u)]
    public void OthersDoNotExist_Sdm2_Rdmsr(uint index)
    {
        using SystemMachine machine = new(Start.Long, c => c.rdmsr());
        machine.Regs.Rcx = index;
        machine.Faults(13, 0);
        using SystemMachine writing = Writing(index, 0);
        writing.Faults(13, 0);
    }

    [Fact]
    public void TheUpperHalvesOfTheOperandsDoNotCount_Sdm2_Rdmsr()
    {
        using SystemMachine machine = new(Start.Long, c => c.rdmsr());
        (machine.Regs.Rcx, machine.Regs.Rax, machine.Regs.Rdx) = (0xFFFF_FFFF_0000_0277, ulong.MaxValue, ulong.MaxValue);
        machine.Done();
        Assert.Equal((0x00070406ul, 0x00070406ul), (machine.Regs.Rax, machine.Regs.Rdx));
    }

    [Fact]
    public void FsAndGsBasesAreUsedAtOnce_Sdm3_3_4_4_1()
    {
        using SystemMachine machine = new(Start.Long, c => { c.wrmsr(); c.mov(rbx, __qword_ptr.fs[8]); });
        (machine.Regs.Rcx, machine.Regs.Rax, machine.Regs.Rdx) = (0xC0000100, Data, 0);
        machine.Write(Data + 8, 0x1122334455667788ul);
        machine.Done();
        Assert.Equal(0x1122334455667788ul, machine.Regs.Rbx);
    }

    [Fact]
    public void WritesOfTheCounterShowInItsAdjustment_Sdm3_17_17_3()
    {
        using SystemMachine machine = new(Start.Long, c =>
        {
            c.rdtsc();
            c.mov(ebx, eax);
            c.mov(ecx, 0x10);
            c.xor(eax, eax);
            c.mov(edx, 0x100);
            c.wrmsr();
            c.rdtsc();
            c.mov(esi, edx);
            c.mov(ecx, 0x3B);
            c.rdmsr();
        });
        machine.Done();
        Assert.Equal(0x100ul, machine.Regs.Rsi);
        Assert.True(machine.Regs.Rdx is 0xFF or 0x100 or > 0);
    }

    [Fact]
    public void RdtscAboveLevel0NeedsTsdClear_Sdm2_Rdtsc()
    {
        foreach (string code in new[] { "0F31", "0F01F9" })
        {
            using SystemMachine machine = new(Start.User64, Convert.FromHexString(code));
            machine.System = machine.System with { Cr4 = machine.System.Cr4 | 4 };
            machine.Faults(13, 0);
        }
    }

    [Fact]
    public void RdpmcAboveLevel0NeedsPce_Sdm2_Rdpmc()
    {
        using SystemMachine machine = new(Start.User64, c => c.rdpmc());
        machine.Faults(13, 0);
        machine.Begin();
        machine.System = machine.System with { Cr4 = machine.System.Cr4 | 0x100 };
        Assert.Equal(13, machine.See().Vector);
        Assert.Equal(machine.CodeEnd, machine.Frame(13).Rip);
    }

    [Fact]
    public void FsgsbaseInstructions_Sdm2_Wrfsbase()
    {
        using SystemMachine disabled = new(Start.Long, c => c.rdfsbase(rax));
        disabled.Faults(6);
        using SystemMachine machine = new(Start.User64, c => { c.wrgsbase(rax); c.rdgsbase(ecx); c.wrgsbase(rbx); });
        machine.System = machine.System with { Cr4 = machine.System.Cr4 | 1 << 16 };
        (machine.Regs.Rax, machine.Regs.Rbx) = (Canonical, NonCanonical);
        Seen seen = machine.See();
        Assert.Equal((13, 0u, Origin + 9, Canonical & uint.MaxValue), (seen.Vector, seen.ErrorCode, seen.Rip, machine.Regs.Rcx));
    }
}
