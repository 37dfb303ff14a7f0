using Iced.Intel;
using static FastVcpu.Tests.Descriptors;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Instructions;

/// <summary>The 80386 as a model: state after reset, what it does not have, and the flags that the manual leaves undefined.</summary>
public sealed class Model386Tests
{
    const uint C = 1, P = 4, A = 0x10, Z = 0x40, S = 0x80, O = 0x800, All = C | P | A | Z | S | O;

    /// <summary>Runs one instruction with AX, CX and flags; the arithmetic flags after it.</summary>
    static (uint Eax, uint Flags) Run(byte[] code, uint eax, uint ecx, uint flags, CpuModel? model = null)
    {
        using SystemMachine machine = new(Start.Protected32, code, model ?? CpuModel.I386);
        (machine.Regs.Rax, machine.Regs.Rcx, machine.Regs.Rflags) = (eax, ecx, flags | 2);
        machine.Done();
        return ((uint)machine.Regs.Rax, (uint)machine.Regs.Rflags & All);
    }

    static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    [Fact]
    public void Reset_Sdm3_Table_10_1()
    {
        using VirtualMachine vm = new();
        Vcpu cpu = vm.CreateVcpu(CpuModel.I386);
        Assert.Equal((0xFFFF0000ul, (ushort)0xF000, 0xFFF0ul, 2ul), (cpu.Segments.Cs.Base, cpu.Segments.Cs.Selector, cpu.Regs.Rip, cpu.Regs.Rflags));
        Assert.Equal((0x10ul, (ushort)0x3FF, 3ul), (cpu.SystemRegisters.Cr0, cpu.SystemRegisters.Idt.Limit, cpu.Regs.Rdx >> 8));
    }

    [Theory]
    [InlineData("0FA2")]
    [InlineData("0FC8")]
    [InlineData("0FB0C8")]
    [InlineData("0FC0C8")]
    [InlineData("0F0100")]
    [InlineData("0F07")]
    [InlineData("0F08")]
    [InlineData("0F20E0")]
    [InlineData("0F40C0")]
    [InlineData("0F32")]
    [InlineData("0F31")]
    public void LaterInstructionsAreUndefined(string code)
    {
        using SystemMachine machine = new(Start.Protected32, Bytes(code), CpuModel.I386);
        if (code == "0F0100")
        {
            machine.Regs.Rax = Data;
            machine.Done();
            return;
        }
        machine.Faults(6);
    }

    [Fact]
    public void AcAndIdCannotBeSet()
    {
        using SystemMachine machine = new(Start.Protected32, c => { c.push(0x240002); c.popfd(); c.pushfd(); c.pop(eax); }, CpuModel.I386);
        machine.Done();
        Assert.Equal(2ul, machine.Regs.Rax);
    }

    [Fact]
    public void NoWriteProtectionOfTheSupervisor()
    {
        using SystemMachine machine = new(Start.Paged32, c => { c.mov(eax, cr0); c.or(eax, 0x10000); c.mov(cr0, eax); c.mov(__dword_ptr[(int)Data], eax); }, CpuModel.I386);
        machine.Pages.Change(Data, 0, PageTables.Writable);
        machine.Done();
    }

    [Theory]
    [InlineData("37", 0x0000u, 0u, P | Z)]
    [InlineData("37", 0x0001u, P | Z | S | O, 0u)]
    [InlineData("37", 0x007Au, 0u, C | A | S | O)]
    [InlineData("37", 0x007Bu, A, C | P | A | S | O)]
    [InlineData("3F", 0x0000u, S | O, P | Z)]
    [InlineData("3F", 0x0000u, A, C | P | A | S)]
    [InlineData("3F", 0x0680u, A, C | A | O)]
    [InlineData("27", 0x001Au, A | O, A)]
    [InlineData("27", 0x001Au, C, C | A | S | O)]
    [InlineData("2F", 0x0080u, O, S)]
    [InlineData("2F", 0x0080u, A, A | O)]
    [InlineData("D50A", 0x0D8Eu, 0u, C | A | O)]
    [InlineData("D50A", 0x0106u, 0u, A)]
    [InlineData("D50A", 0x01F7u, 0u, C | A)]
    [InlineData("D50A", 0x0001u, C | A | O, 0u)]
    [InlineData("D40A", 0x0000u, C | A | O, P | Z)]
    public void DecimalAdjustmentsHaveTheFlagsOfTheirAddition(string code, uint ax, uint flags, uint expected) =>
        Assert.Equal(expected, Run(Bytes(code), ax, 0, flags).Flags);

    [Theory]
    [InlineData("D2E8", 0x82u, 2u, 0u, C | A)]
    [InlineData("D0E8", 0x81u, 0u, 0u, C | A | O)]
    [InlineData("D2E8", 0x80u, 8u, 0u, C | P | A | Z)]
    [InlineData("D2E8", 0x80u, 16u, 0u, C | P | A | Z)]
    [InlineData("D2E8", 0x80u, 24u, 0u, C | P | A | Z)]
    [InlineData("D2E8", 0x80u, 9u, 0u, P | A | Z)]
    [InlineData("D2E8", 0x00u, 24u, C, P | A | Z)]
    [InlineData("D2E8", 0x80u, 32u, 0u, 0u)]
    [InlineData("66D3E8", 0x8000u, 16u, 0u, C | P | A | Z)]
    [InlineData("D2E0", 0x41u, 2u, 0u, C | A | O)]
    [InlineData("D2E0", 0x01u, 16u, 0u, C | P | A | Z | O)]
    [InlineData("D2E0", 0x01u, 24u, 0u, C | P | A | Z | O)]
    [InlineData("D2E0", 0x00u, 8u, C, P | A | Z)]
    [InlineData("66D3E0", 0x0001u, 16u, 0u, C | P | A | Z | O)]
    [InlineData("D2D8", 0x40u, 9u, C | O, C | O)]
    [InlineData("D2D8", 0x00u, 9u, C | O, C)]
    [InlineData("66D3D8", 0x4000u, 17u, 0u, O)]
    [InlineData("D2D0", 0x80u, 9u, C | O, C)]
    [InlineData("D2D0", 0x00u, 9u, C, C | O)]
    [InlineData("66D3D0", 0x8000u, 17u, 0u, O)]
    public void ShiftsAndRotatesByLargeCounts(string code, uint eax, uint count, uint flags, uint expected) =>
        Assert.Equal(expected, Run(Bytes(code), eax, count, flags).Flags);

    [Theory]
    [InlineData(0u, 0u, C)]
    [InlineData(0u, C, C)]
    [InlineData(1u, C, O)]
    [InlineData(2u, 0u, O)]
    [InlineData(3u, C, 0u)]
    public void BitTestsRotateThroughTheCarry(uint bit, uint flags, uint expected)
    {
        foreach (string code in new[] { "0FA3C8", "0FABC8", "0FB3C8", "0FBBC8", "660FA3C8" })
        {
            Assert.Equal(expected, Run(Bytes(code), 1, bit, flags).Flags);
        }
    }

    [Theory]
    [InlineData("06")]
    [InlineData("0E")]
    [InlineData("16")]
    [InlineData("1E")]
    [InlineData("0FA0")]
    [InlineData("0FA8")]
    public void PushOfASegmentRegisterWritesTheSelectorOnly(string code)
    {
        foreach ((CpuModel model, uint upper) in new[] { (CpuModel.I386, 0xDEAD0000), (CpuModel.I486, 0u) })
        {
            using SystemMachine machine = new(Start.Protected32, Bytes(code), model);
            machine.System = machine.System with { Fs = machine.Register(Data32), Gs = machine.Register(Data32) };
            machine.Write(Stack0 - 4, 0xDEADBEEFu);
            machine.Done();
            Assert.Equal((Stack0 - 4, upper | (code == "0E" ? Code32 : (uint)Data32)), (machine.Regs.Rsp, machine.Read<uint>(Stack0 - 4)));
        }
    }

    [Fact]
    public void EnterFaultsWhereItsNewStackPointerCannotBeWritten_Sdm2_Enter()
    {
        using SystemMachine machine = new(Start.User32 with { Paging = Paging.TwoLevels }, c => { c.mov(esp, (uint)Data + 0x1004); c.enter(8, 0); }, CpuModel.I386);
        machine.Pages.Change(Data, 0, PageTables.User);
        Seen seen = machine.See();
        Assert.Equal((14, 7u, Origin + 5, Data + 0x1004), (seen.Vector, seen.ErrorCode, seen.Rip, seen.Rsp));
    }

    [Fact]
    public void AFaultLeavesTheAccessedBitsOfThePage_386()
    {
        using SystemMachine machine = new(Start.User32 with { Paging = Paging.TwoLevels }, c => c.mov(__dword_ptr[(int)Data], eax), CpuModel.I386);
        machine.Pages.Change(Data, 0, PageTables.Writable);
        machine.Faults(14, 7);
        Assert.Equal(0ul, machine.Pages.Entry(Data) & (PageTables.Accessed | PageTables.Dirty));
    }
}
