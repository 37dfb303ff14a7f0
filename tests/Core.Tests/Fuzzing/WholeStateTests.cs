using System.Runtime.InteropServices;
using FastVcpu.State;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>A saved state brings everything back, the second time and later (when it is copied from elsewhere) as the first time.</summary>
public sealed unsafe class WholeStateTests
{
    const int Rounds = 4;
    const ulong DataSegment = 0x00CF_F300_0000_FFFF;

    /// <summary>The guest changes what instructions can reach.</summary>
    [Fact]
    public void WhatAGuestChangesComesBack()
    {
        using Guest guest = new(64, c =>
        {
            c.fldpi();
            c.fnstcw(__word_ptr[rbx]);
            c.or(__word_ptr[rbx], 0xC00);
            c.fldcw(__word_ptr[rbx]);
            c.ldmxcsr(__dword_ptr[rbx + 8]);
            c.pcmpeqd(xmm9, xmm9);
            c.vpcmpeqd(ymm3, ymm3, ymm3);
            c.mov(eax, 0x2B);
            c.mov(gs, eax);
            c.rdrand(rax);
            c.push(rax);
            c.not(r15);
            c.std();
            c.sub(ecx, 1);
        });
        guest.Cpu.RandomSeed = 5;
        guest.Cpu.SetDescriptor(5, DataSegment);
        guest.Regs.Rbx = Guest.Data;
        guest.Space.Write(Guest.Data + 8, 0x1FC0);
        Saved saved = new(guest.Cpu);
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        byte[]? first = null;
        for (int round = 0; round < Rounds; round++)
        {
            guest.RunToEnd();
            byte[] end = Saved.Bytes(guest.Cpu);
            Assert.Equal(first ??= end, end);
            Assert.NotEqual(saved.Image, end);
            saved.RestoreAndCompare(guest.Cpu);
            guest.Space.Restore(memory);
            Assert.Equal(0ul, guest.Space.Read<ushort>(Guest.Data));
        }
    }

    /// <summary>Every byte of the state is changed, whatever it means; so are what waits, descriptors, and registers of the interface.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryByteComesBack(bool isUserMode)
    {
        using AddressSpace space = new();
        using VirtualMachine vm = new(new InstructionClock());
        vm.AllocateMemory(0, 0, 0x10000);
        using Vcpu cpu = isUserMode ? new Vcpu(CpuModel.Max, space, CodeSize.Bits64, new InstructionClock()) : vm.CreateVcpu(CpuModel.Max);
        Random random = new(1);
        for (int i = 0; i < 32; i++)
        {
            random.NextBytes(cpu.VectorRegister(i));
        }
        for (int i = 0; i < 8; i++)
        {
            random.NextBytes(cpu.Fpu.Register(i));
        }
        for (int i = 0; i < 16; i++)
        {
            cpu.Regs[i] = (ulong)random.NextInt64();
        }
        cpu.SetDescriptor(7, DataSegment);
        Assert.True(isUserMode || cpu.TrySetMsr(0xC0000082, 0x1234));
        cpu.DebugRegisters = cpu.DebugRegisters with { Dr0 = 0x1000, Dr7 = 0x402 };
        if (!isUserMode)
        {
            cpu.Events = cpu.Events with { Nmi = new NmiEvent { IsMasked = true, Pending = 1 } };
        }
        Saved saved = new(cpu);
        for (int round = 0; round < Rounds; round++)
        {
            Span<byte> all = new(cpu.State, CpuState.ImageSize);
            foreach (ref byte value in all[..CpuState.OwnOffset])
            {
                value ^= 0xFF;
            }
            foreach (ref byte value in all[CpuState.FprOffset..])
            {
                value ^= 0xFF;
            }
            cpu.SetDescriptor(7, 0);
            cpu.SetDescriptor(8, DataSegment);
            cpu.Events = new VcpuEvents { Exception = new ExceptionEvent { IsPending = true, Vector = 6 }, Nmi = new NmiEvent { Pending = 2 } };
            saved.RestoreAndCompare(cpu);
            Assert.True(cpu.TryReadDescriptor(7 << 3, out ulong descriptor));
            Assert.Equal(DataSegment, descriptor);
            Assert.False(cpu.TryReadDescriptor(8 << 3, out _));
        }
    }

    /// <summary>A state is the same for all who go back to it at a time.</summary>
    [Fact]
    public void ManyThreadsRestoreOneState()
    {
        using AddressSpace space = new();
        using Vcpu source = new(CpuModel.Max, space, CodeSize.Bits64);
        new Random(2).NextBytes(MemoryMarshal.AsBytes(new Span<ulong>(&source.State->Rax, 16)));
        Saved saved = new(source);
        Parallel.For(0, 16, _ =>
        {
            using AddressSpace own = new();
            using Vcpu cpu = new(CpuModel.Max, own, CodeSize.Bits64);
            for (int round = 0; round < 10; round++)
            {
                cpu.Regs.Rax = 0;
                saved.RestoreAndCompare(cpu);
            }
        });
    }

    /// <summary>A few pages that each run writes are copied on suspicion for some hundred rounds; whatever others are written meanwhile comes back, too.</summary>
    [Fact]
    public void PagesThatAreWrittenNowAndThenComeBack()
    {
        const int Pages = 64, Page = 0x1000;
        const ulong Address = 0x10_0000;
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.inc(__byte_ptr[rbx]);
            c.add(rbx, rdx);
            c.dec(ecx);
            c.jne(loop);
        });
        guest.Space.Map(Address, Pages * Page, PagePermissions.Read | PagePermissions.Write);
        byte[] before = new byte[Pages * Page], after = new byte[before.Length];
        new Random(3).NextBytes(before);
        guest.Space.Write(Address, before);
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        VcpuState state = guest.Cpu.SaveState();
        Random random = new(4);
        for (int round = 0; round < 1500; round++)
        {
            bool isRare = random.Next(50) == 0;
            ulong first = isRare ? (ulong)random.Next(Pages) : 0;
            guest.Regs.Rbx = Address + first * Page + (ulong)random.Next(Page);
            guest.Regs.Rdx = Page;
            guest.Regs.Rcx = isRare ? Math.Min(20, Pages - first - 1) : 2;
            guest.Regs.Rcx = Math.Max(1, guest.Regs.Rcx);
            guest.RunToEnd();
            guest.Space.Restore(memory);
            guest.Cpu.RestoreState(state);
            if (isRare || round % 100 == 0)
            {
                guest.Space.Read(Address, after);
                Assert.Equal(before, after);
            }
        }
        guest.Space.Read(Address, after);
        Assert.Equal(before, after);
    }

    /// <summary>A state, and a copy of all that it is to bring back.</summary>
    sealed class Saved(Vcpu cpu)
    {
        readonly VcpuState state = cpu.SaveState();
        readonly VcpuEvents events = cpu.Events;

        public byte[] Image { get; } = Bytes(cpu);

        /// <summary>Everything but what is the vCPU's own.</summary>
        public static byte[] Bytes(Vcpu cpu)
        {
            ReadOnlySpan<byte> all = new(cpu.State, CpuState.ImageSize);
            return [.. all[..CpuState.OwnOffset], .. all[CpuState.FprOffset..]];
        }

        public void RestoreAndCompare(Vcpu cpu)
        {
            cpu.RestoreState(state);
            Assert.Equal(Image, Bytes(cpu));
            Assert.Equal(events, cpu.Events);
        }
    }
}
