using Iced.Intel;
using static FastVcpu.Tests.PageTables;
using static FastVcpu.Tests.SystemMachine;

namespace FastVcpu.Tests.Privileged;

/// <summary>Page faults, rights, and accessed and dirty bits in every format (SDM Vol. 3 chapter 4).</summary>
public sealed class PagingTests
{
    const ulong Page = 0x20000, WriteProtect = 1 << 16, NxEnable = 1 << 11, Smep = 1 << 20, Smap = 1 << 21, Pse = 1 << 4;
    const uint P = 1, W = 2, U = 4, Rsvd = 8, I = 16;

    static Start With(Paging paging, int cpl = 0) => paging switch
    {
        Paging.FourLevels or Paging.FiveLevels => new Start(64, cpl, paging, IsLong: true),
        _ => new Start(32, cpl, paging),
    };

    static int Levels(Paging paging) => paging switch { Paging.TwoLevels => 2, Paging.Pae => 3, Paging.FourLevels => 4, _ => 5 };

    public enum Do
    {
        Read,
        Write,
        Execute,
        ReadModifyWrite,
    }

    static SystemMachine Accessing(Start start, Do what, CpuModel? model = null)
    {
        SystemMachine machine = new(start, c =>
        {
            AssemblerMemoryOperand operand = start.Bits == 64 ? __dword_ptr[rbx] : __dword_ptr[ebx];
            switch (what)
            {
                case Do.Read:
                    c.mov(ecx, operand);
                    break;
                case Do.Write:
                    c.mov(operand, ecx);
                    break;
                case Do.ReadModifyWrite:
                    c.add(operand, ecx);
                    break;
                default:
                    if (start.Bits == 64)
                    {
                        c.jmp(rbx);
                    }
                    else
                    {
                        c.jmp(ebx);
                    }
                    break;
            }
            c.@int(0x80);
        }, model);
        machine.Regs.Rbx = Page;
        machine.Assemble(Page, c => c.@int(0x80), 32);
        return machine;
    }

    static void Expect(SystemMachine machine, uint? errorCode, ulong address = Page)
    {
        Seen seen = machine.See();
        Assert.Equal(errorCode == null ? (0x80, null) : (14, errorCode), (seen.Vector, seen.ErrorCode));
        if (errorCode != null)
        {
            Assert.Equal(address, machine.System.Cr2);
        }
    }

    public static TheoryData<Paging> Formats => [Paging.TwoLevels, Paging.Pae, Paging.FourLevels, Paging.FiveLevels];

    /// <summary>An address that shares no entry with the machine's own pages.</summary>
    static ulong Far(Paging paging) => paging switch { Paging.FiveLevels => 1UL << 48, Paging.FourLevels => 1UL << 39, _ => 1UL << 30 };

    [Theory]
    [MemberData(nameof(Formats))]
    public void NotPresentAtEachLevel_Sdm3_4_7(Paging paging)
    {
        ulong far = Far(paging);
        for (int level = 1; level <= Levels(paging); level++)
        {
            foreach ((int cpl, Do what, uint code) in new[] { (0, Do.Read, 0u), (0, Do.Write, W), (0, Do.ReadModifyWrite, W), (3, Do.Read, U), (3, Do.Write, U | W), (3, Do.Execute, U) })
            {
                using SystemMachine machine = Accessing(With(paging, cpl), what);
                machine.Pages.Map(far, Page);
                machine.Pages.Change(far, 0, Present, level);
                machine.Begin();
                machine.Regs.Rbx = far;
                Expect(machine, code, far);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void RightsAreThoseOfAllLevels_Sdm3_4_6(Paging paging)
    {
        ulong far = Far(paging);
        for (int level = 1; level <= (paging == Paging.Pae ? 2 : Levels(paging)); level++)
        {
            foreach ((ulong taken, int cpl, Do what, bool wp, uint? code) in new (ulong, int, Do, bool, uint?)[]
            {
                (Writable, 3, Do.Read, false, null), (Writable, 3, Do.Write, false, P | W | U), (Writable, 3, Do.ReadModifyWrite, false, P | W | U),
                (Writable, 0, Do.Write, false, null), (Writable, 0, Do.Write, true, P | W), (User, 3, Do.Read, false, P | U), (User, 3, Do.Write, true, P | W | U),
                (User, 3, Do.Execute, false, P | U), (User, 0, Do.Write, true, null), (User, 0, Do.Execute, true, null),
            })
            {
                using SystemMachine machine = Accessing(With(paging, cpl), what);
                machine.Pages.Map(far, Page);
                machine.Pages.Change(far, 0, taken, level);
                machine.Begin();
                machine.System = machine.System with { Cr0 = machine.System.Cr0 | (wp ? WriteProtect : 0) };
                machine.Regs.Rbx = far;
                Expect(machine, code, far);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AccessedAndDirtyBits_Sdm3_4_8(Paging paging)
    {
        foreach (Do what in new[] { Do.Read, Do.Write, Do.Execute, Do.ReadModifyWrite })
        {
            const ulong High = 0x4000_0000;
            using SystemMachine machine = Accessing(With(paging), what);
            machine.Pages.Map(High, Page);
            machine.Begin();
            machine.Regs.Rbx = High;
            Expect(machine, null);
            bool writes = what is Do.Write or Do.ReadModifyWrite;
            Assert.Equal(Accessed | (writes ? Dirty : 0), machine.Pages.Entry(High) & (Accessed | Dirty));
            Assert.Equal(Accessed, machine.Pages.Entry(High, 2) & (Accessed | Dirty));
            if (paging is Paging.FourLevels or Paging.FiveLevels)
            {
                Assert.Equal(Accessed, machine.Pages.Entry(High, 3) & (Accessed | Dirty));
            }
        }
    }

    [Fact]
    public void DirtyIsSetByAWriteAfterARead_Sdm3_4_8()
    {
        using SystemMachine machine = new(Start.Paged32, c =>
        {
            c.mov(eax, __dword_ptr[(int)Page]);
            c.nop();
            c.mov(__dword_ptr[(int)Page], eax);
        });
        machine.Cpu.Run(2);
        Assert.Equal(Accessed, machine.Pages.Entry(Page) & (Accessed | Dirty));
        machine.Done();
        Assert.Equal(Accessed | Dirty, machine.Pages.Entry(Page) & (Accessed | Dirty));
    }

    [Fact]
    public void AFaultLeavesTheEntryUntouched_Sdm3_4_8()
    {
        using SystemMachine machine = Accessing(Start.Paged32 with { Cpl = 3 }, Do.Write);
        machine.Pages.Change(Page, 0, Writable);
        Expect(machine, P | W | U);
        Assert.Equal(0ul, machine.Pages.Entry(Page) & (Accessed | Dirty));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LargePagesOf4MNeedPse_Sdm3_4_3(bool enabled)
    {
        using SystemMachine machine = Accessing(Start.Paged32, Do.Write);
        machine.Pages.Map(0x40000000, 0x20000, level: 1);
        ulong table = machine.Pages.Entry(0x40000000, 2);
        machine.Pages[machine.Pages.At(0x40000000, 2)] = enabled ? 0x0 | All | Large : table | Large;
        machine.System = machine.System with { Cr4 = enabled ? Pse : 0 };
        machine.Regs.Rbx = enabled ? 0x40020004u : 0x40000004;
        machine.Regs.Rcx = 0x12345678;
        Expect(machine, null);
        Assert.Equal(0x12345678u, machine.Read<uint>(Page + 4));
        if (enabled)
        {
            Assert.Equal(Accessed | Dirty, machine.Pages.Entry(0x40000000, 2) & (Accessed | Dirty));
        }
    }

    [Theory]
    [InlineData(1ul << 21, true)]
    [InlineData(1ul << 12, false)]
    public void LargePagesOf4MHaveReservedBits_Sdm3_Table_4_4(ulong bit, bool isReserved)
    {
        using SystemMachine machine = Accessing(Start.Paged32, Do.Read);
        machine.Pages[machine.Pages.At(0x40000000, 2)] = All | Large | bit;
        machine.System = machine.System with { Cr4 = Pse };
        machine.Regs.Rbx = 0x40020000;
        Expect(machine, isReserved ? (uint?)(P | Rsvd) : null, 0x40020000);
    }

    [Fact]
    public void Pse36ReachesBeyond4G_Sdm3_4_3()
    {
        using SystemMachine machine = Accessing(Start.Paged32, Do.Read);
        machine.Vm.AllocateMemory(1, 0x1_0000_0000, 0x1000);
        machine.Write(0x1_0000_0000, 0xCAFEF00Du);
        machine.Pages[machine.Pages.At(0x40000000, 2)] = All | Large | 1 << 13;
        machine.System = machine.System with { Cr4 = Pse };
        machine.Regs.Rbx = 0x40000000;
        Expect(machine, null);
        Assert.Equal(0xCAFEF00Dul, machine.Regs.Rcx);
    }

    [Theory]
    [InlineData(Paging.Pae, 2)]
    [InlineData(Paging.FourLevels, 2)]
    [InlineData(Paging.FourLevels, 3)]
    [InlineData(Paging.FiveLevels, 2)]
    public void LargePagesOf2MAnd1G_Sdm3_4_5(Paging paging, int level)
    {
        using SystemMachine machine = Accessing(With(paging), Do.Write);
        machine.Pages[machine.Pages.At(0x40000000, level)] = All | Large | 1 << 12;
        machine.Begin();
        machine.Regs.Rbx = 0x40000000 + Page;
        machine.Regs.Rcx = 0x12345678;
        Expect(machine, null);
        Assert.Equal((0x12345678u, Accessed | Dirty), (machine.Read<uint>(Page), machine.Pages.Entry(0x40000000, level) & (Accessed | Dirty)));
    }

    [Theory]
    [InlineData(Paging.Pae, 1, 1ul << 51)]
    [InlineData(Paging.Pae, 1, 1ul << 52)]
    [InlineData(Paging.Pae, 1, 1ul << 62)]
    [InlineData(Paging.Pae, 1, 1ul << 63)]
    [InlineData(Paging.Pae, 2, 1ul << 50)]
    [InlineData(Paging.FourLevels, 1, 1ul << 51)]
    [InlineData(Paging.FourLevels, 1, 1ul << 63)]
    [InlineData(Paging.FourLevels, 2, 1ul << 49)]
    [InlineData(Paging.FourLevels, 3, 1ul << 48)]
    [InlineData(Paging.FourLevels, 4, 1ul << 7)]
    [InlineData(Paging.FiveLevels, 5, 1ul << 7)]
    public void ReservedBits_Sdm3_4_7(Paging paging, int level, ulong bit)
    {
        foreach ((int cpl, Do what, uint code) in new[] { (0, Do.Read, 0u), (3, Do.Write, U | W) })
        {
            ulong address = Far(paging);
            using SystemMachine machine = Accessing(With(paging, cpl), what);
            machine.Pages.Map(address, Page);
            machine.Pages.Change(address, bit, 0, level);
            machine.Begin();
            machine.Regs.Rbx = address;
            Expect(machine, code | P | Rsvd, address);
        }
    }

    [Theory]
    [InlineData(Paging.Pae, 2, 0xFE000ul)]
    [InlineData(Paging.FourLevels, 2, 0xFE000ul)]
    [InlineData(Paging.FourLevels, 3, 0x1FFFE000ul)]
    public void ReservedBitsOfLargePages_Sdm3_4_7(Paging paging, int level, ulong bits)
    {
        for (ulong bit = 1 << 13; bit <= bits; bit <<= 1)
        {
            using SystemMachine machine = Accessing(With(paging), Do.Read);
            machine.Pages[machine.Pages.At(0x40000000, level)] = All | Large | bit;
            machine.Begin();
            machine.Regs.Rbx = 0x40000000;
            Expect(machine, P | Rsvd, 0x40000000);
        }
    }

    [Theory]
    [InlineData(Paging.FourLevels, 52)]
    [InlineData(Paging.FourLevels, 62)]
    [InlineData(Paging.TwoLevels, 9)]
    [InlineData(Paging.TwoLevels, 11)]
    public void IgnoredBits_Sdm3_4_5(Paging paging, int bit)
    {
        using SystemMachine machine = Accessing(With(paging), Do.Read);
        machine.Pages.Change(Page, 1ul << bit);
        Expect(machine, null);
    }

    [Theory]
    [InlineData(Paging.Pae)]
    [InlineData(Paging.FourLevels)]
    public void ExecuteDisable_Sdm3_4_6(Paging paging)
    {
        foreach ((int level, Do what, int cpl, uint? code) in new (int, Do, int, uint?)[]
        {
            (1, Do.Execute, 0, P | I), (2, Do.Execute, 3, P | U | I), (1, Do.Read, 3, null), (1, Do.Write, 0, null),
        })
        {
            const ulong High = 0x4000_0000;
            using SystemMachine machine = Accessing(With(paging, cpl), what);
            machine.Pages.Map(High, Page);
            machine.Pages.Change(High, NoExecute, 0, level);
            machine.Begin();
            machine.System = machine.System with { Efer = machine.System.Efer | NxEnable };
            machine.Regs.Rbx = High;
            Expect(machine, code, High);
        }
    }

    [Theory]
    [InlineData(false, false, 0u)]
    [InlineData(true, false, I)]
    [InlineData(false, true, I)]
    public void TheFetchBitIsToldWithNxOrSmep_Sdm3_4_7(bool nx, bool smep, uint bit)
    {
        using SystemMachine machine = Accessing(Start.Pae, Do.Execute);
        machine.Pages.Change(Page, 0, Present);
        machine.System = machine.System with { Efer = nx ? NxEnable : 0, Cr4 = machine.System.Cr4 | (smep ? Smep : 0) };
        if (smep)
        {
            machine.Pages.Change(Origin, 0, User);
            machine.Pages.Change(Handlers, 0, User);
        }
        Expect(machine, bit);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Smep_KeepsTheSupervisorFromUserCode_Sdm3_4_6(Paging paging)
    {
        foreach ((Do what, bool isUserPage, uint? code) in new (Do, bool, uint?)[] { (Do.Execute, true, P | I), (Do.Execute, false, null), (Do.Read, true, null) })
        {
            using SystemMachine machine = Accessing(With(paging), what);
            machine.Pages.Change(Page, 0, isUserPage ? 0 : User);
            machine.Pages.Change(Origin, 0, User);
            machine.Pages.Change(Handlers, 0, User);
            machine.System = machine.System with { Cr4 = machine.System.Cr4 | Smep };
            Expect(machine, code);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Smap_KeepsTheSupervisorFromUserData_Sdm3_4_6(Paging paging)
    {
        foreach ((Do what, bool ac, uint? code) in new (Do, bool, uint?)[] { (Do.Read, false, P), (Do.Write, false, P | W), (Do.Read, true, null), (Do.Write, true, null), (Do.Execute, false, null) })
        {
            using SystemMachine machine = Accessing(With(paging), what);
            foreach (ulong page in new[] { Idt, Gdt, Tss, 0x5000ul, 0x9000ul })
            {
                machine.Pages.Change(page, 0, User);
            }
            machine.System = machine.System with { Cr4 = machine.System.Cr4 | Smap };
            machine.Regs.Rflags |= ac ? 0x40000u : 0;
            Expect(machine, code);
        }
    }

    [Fact]
    public void Smap_ImplicitAccessesIgnoreAc_Sdm3_4_6()
    {
        using SystemMachine machine = new(Start.Paged32, c => { c.stac(); c.mov(ds, eax); });
        foreach (ulong page in new[] { Idt, Tss, 0x5000ul, 0x9000ul })
        {
            machine.Pages.Change(page, 0, User);
        }
        machine.System = machine.System with { Cr4 = machine.System.Cr4 | Smap };
        machine.Regs.Rax = Data32;
        // The handler's segment cannot be read either: a double fault, and then nothing.
        Assert.Equal(ExitReason.Shutdown, machine.Run().Reason);
        Assert.Equal(Gdt + Code32, machine.System.Cr2);
    }

    [Theory]
    [InlineData(Do.Read, 0u)]
    [InlineData(Do.Write, W)]
    public void AnAccessAcrossPagesReportsThePageThatFaults_Sdm3_4_7(Do what, uint code)
    {
        using SystemMachine machine = Accessing(Start.Paged32, what);
        machine.Pages.Change(Page + 0x1000, 0, Present);
        machine.Regs.Rbx = Page + 0xFFE;
        machine.Regs.Rcx = uint.MaxValue;
        Expect(machine, code, Page + 0x1000);
        Assert.Equal(0u, machine.Read<uint>(Page + 0xFFC));
    }

    [Fact]
    public void LinearAddressesWrapAt4G_Sdm3_3_3_1()
    {
        using SystemMachine machine = Accessing(Start.Paged32, Do.Read);
        machine.Pages.Map(0xFFFFF000, Page);
        machine.Write(Page + 0xFFC, 0x44332211u);
        machine.Regs.Rbx = 0xFFFFFFFC;
        Expect(machine, null);
        Assert.Equal(0x44332211ul, machine.Regs.Rcx);
    }

    [Fact]
    public void FiveLevelsTranslate57Bits_Sdm3_4_5()
    {
        using SystemMachine machine = Accessing(With(Paging.FiveLevels), Do.Read);
        machine.Pages.Map(0x00AB_CDEF_0123_4000, Page);
        machine.Write(Page + 8, 0x1357u);
        machine.Regs.Rbx = 0x00AB_CDEF_0123_4008;
        Expect(machine, null);
        Assert.Equal(0x1357ul, machine.Regs.Rcx);
        machine.Begin();
        machine.Regs.Rbx = 0x0100_0000_0000_0000;
        Assert.Equal((13, 0u), (machine.See().Vector, machine.Frame(13).ErrorCode!.Value));
    }
}
