using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>Guests in user mode as a whole: in memory, and through a file.</summary>
public class UserModeGuestTests
{
    const ulong Code = 0x400000, Data = 0x800000, Far = 0x7000_0000_0000, Huge = 1UL << 38;

    [Fact]
    public void AFileGivesTheSameGuest()
    {
        using Machine one = new(), other = new();
        one.Cpu.Run(1234);
        byte[] hash = one.Guest.StateHash();
        using MachineSnapshot snapshot = one.Guest.TakeSnapshot();
        using MemoryStream file = new();
        snapshot.Save(file);
        Assert.InRange(file.Length, 500, 20_000);
        file.Position = 0;
        using MachineSnapshot loaded = MachineSnapshot.Load(file);
        Assert.True(loaded.IsOfUserMode);
        Assert.Equal(snapshot.MemorySize, loaded.MemorySize);
        other.Cpu.Run(77);
        for (int round = 0; round < 3; round++)
        {
            other.Guest.Restore(loaded);
            Assert.Equal(hash, other.Guest.StateHash());
            Assert.Equal(one.Space.Regions, other.Space.Regions);
            one.Guest.Restore(snapshot);
            other.Cpu.Run(1000);
            one.Cpu.Run(400);
            one.Cpu.Run(600);
            Assert.Equal(one.Guest.StateHash(), other.Guest.StateHash());
        }

        // What is mapped after that counts, too.
        other.Space.Unmap(Data, 0x2000);
        other.Space.Map(Data, 0x1000, PagePermissions.Read);
        Assert.NotEqual(one.Guest.StateHash(), other.Guest.StateHash());
    }

    [Fact]
    public void OtherKindsAreRefusedAndNothingHasChanged()
    {
        using Machine guest = new(), small = new(limit: 1 << 20);
        guest.Cpu.Run(100);
        using VirtualMachine vm = new();
        vm.AllocateMemory(0, 0, 4096);
        using MachineSnapshot ofMachine = vm.TakeSnapshot(), ofGuest = guest.Guest.TakeSnapshot();
        byte[] before = guest.Guest.StateHash(), beforeSmall = small.Guest.StateHash();
        Assert.Contains("of a machine", Assert.Throws<SnapshotException>(() => guest.Guest.Restore(ofMachine)).Message);
        Assert.Contains("user mode", Assert.Throws<SnapshotException>(() => vm.Restore(ofGuest)).Message);
        guest.Space.Map(Data + 0x100000, 4 << 20, PagePermissions.Read);
        using MachineSnapshot large = guest.Guest.TakeSnapshot();
        Assert.Contains("are allowed", Assert.Throws<SnapshotException>(() => small.Guest.Restore(large)).Message);
        guest.Guest.Restore(ofGuest);
        Assert.Equal(before, guest.Guest.StateHash());
        Assert.Equal(beforeSmall, small.Guest.StateHash());
    }

    /// <summary>Memory that was restored counts against the limit, and not twice.</summary>
    [Fact]
    public void TheMemoryLimitHoldsBehindARestore()
    {
        using Machine one = new(limit: 1 << 20), other = new(limit: 1 << 20);
        using MachineSnapshot snapshot = one.Guest.TakeSnapshot();
        for (int round = 0; round < 20; round++)
        {
            using Machine fresh = new(limit: 1 << 20);
            fresh.Space.Unmap(0, 1UL << 47);
            fresh.Guest.Restore(snapshot);
            fresh.Space.Unmap(0, 1UL << 47);
            Assert.Throws<ArgumentException>(() => fresh.Space.Map(Data, (1 << 20) + 0x1000, PagePermissions.Read));
            fresh.Space.Map(Data, 1 << 20, PagePermissions.Read);
        }
    }

    /// <summary>A program that counts in memory and in registers, in a space with a hole, a huge region that nobody touches, and pages without rights.</summary>
    sealed class Machine : IDisposable
    {
        public Machine(ulong limit = 64 << 20)
        {
            Space = new AddressSpace(limit);
            Space.Map(Code, 0x1000, PagePermissions.Read | PagePermissions.Execute);
            Space.Map(Data, 0x2000, PagePermissions.Read | PagePermissions.Write);
            Space.Map(Data + 0x2000, 0x1000, PagePermissions.None);
            Space.Map(Far, Huge, PagePermissions.Read | PagePermissions.Write);
            Space.Protect(Data + 0x1000, 0x1000, PagePermissions.Read);
            Assembler a = new(64);
            Label again = a.CreateLabel();
            a.Label(ref again);
            a.rdtsc();
            a.add(__[rbx], eax);
            a.cvtsi2sd(xmm1, rcx);
            a.addsd(xmm0, xmm1);
            a.inc(rcx);
            a.add(rbx, 8);
            a.and(rbx, (int)(Data + 0xFF8));
            a.jmp(again);
            using MemoryStream stream = new();
            a.Assemble(new StreamCodeWriter(stream), Code);
            Space.Write(Code, stream.ToArray());
            Clock = new InstructionClock();
            Cpu = new Vcpu(CpuModel.Max, Space, CodeSize.Bits64, Clock);
            Cpu.Regs.Rip = Code;
            Cpu.Regs.Rbx = Data;
            Guest = new UserModeGuest(Space);
            Guest.AddState("cpu", Cpu);
            Guest.AddState("clock", Clock);
        }

        public AddressSpace Space { get; }

        public InstructionClock Clock { get; }

        public Vcpu Cpu { get; }

        public UserModeGuest Guest { get; }

        public void Dispose()
        {
            Cpu.Dispose();
            Space.Dispose();
        }
    }
}
