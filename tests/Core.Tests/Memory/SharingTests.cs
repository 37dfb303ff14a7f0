namespace FastVcpu.Tests.Memory;

/// <summary>Copies share the pages that nobody writes, and nobody sees another one's writes.</summary>
public sealed class SharingTests
{
    const ulong Address = 0x400000, Size = 4 << 20, Page = 4096;

    [Fact]
    public void CopiesAreIndependentOfEachOther()
    {
        using AddressSpace parent = new();
        parent.Map(Address, Size, PagePermissions.Read | PagePermissions.Write);
        parent.Map(Address + Size, Page, PagePermissions.Read | PagePermissions.Write);
        for (ulong at = 0; at < Size; at += 16 * Page)
        {
            parent.Write(Address + at, at);
        }
        using AddressSpace first = parent.Clone();
        parent.Write(Address + 3 * Page, 1);
        first.Write(Address + 16 * Page, 2);
        using AddressSpace second = parent.Clone(), grandchild = first.Clone();
        parent.Write(Address + Size, 3);
        parent.Write(Address + 3 * Page, 4);
        first.Write(Address + 32 * Page, 5);
        Assert.Equal((4, (int)(16 * Page), (int)(32 * Page), 3), Values(parent));
        Assert.Equal((0, 2, 5, 0), Values(first));
        Assert.Equal((1, (int)(16 * Page), (int)(32 * Page), 0), Values(second));
        Assert.Equal((0, 2, (int)(32 * Page), 0), Values(grandchild));
        Assert.Equal(48 * Page, grandchild.Read<ulong>(Address + 48 * Page));

        static (int, int, int, int) Values(AddressSpace space) =>
            (space.Read<int>(Address + 3 * Page), space.Read<int>(Address + 16 * Page), space.Read<int>(Address + 32 * Page), space.Read<int>(Address + Size));
    }

    [Fact]
    public void ACopyOutlivesTheSpaceThatItWasMadeOf()
    {
        AddressSpace parent = new();
        parent.Map(Address, Size, PagePermissions.Read | PagePermissions.Write);
        parent.Write(Address + Page, 7);
        using AddressSpace copy = parent.Clone();
        parent.Dispose();
        Assert.Equal(7, copy.Read<int>(Address + Page));
        copy.Protect(Address, Page, PagePermissions.Read);
        copy.Unmap(Address + 2 * Page, Page);
        using AddressSpace another = copy.Clone();
        Assert.Equal(copy.Regions, another.Regions);
        Assert.Equal(7, another.Read<int>(Address + Page));
    }

    [Fact]
    public void CopiesAndSnapshotsOfOneSpaceDoNotDisturbEachOther()
    {
        using AddressSpace space = new();
        space.Map(Address, Size, PagePermissions.Read | PagePermissions.Write);
        space.Write(Address, 1);
        using AddressSpaceSnapshot snapshot = space.TakeSnapshot();
        for (int round = 0; round < 3; round++)
        {
            space.Write(Address, 2);
            using AddressSpace copy = space.Clone();
            space.Write(Address + Page, 3);
            space.Restore(snapshot);
            Assert.Equal((1, 0), (space.Read<int>(Address), space.Read<int>(Address + Page)));
            Assert.Equal((2, 0), (copy.Read<int>(Address), copy.Read<int>(Address + Page)));
        }
    }

    /// <summary>What a CPU writes while the first copy is being made is not lost for the later ones.</summary>
    [Fact]
    public async Task ACopyOfASpaceInUseIsRightOnceNobodyWritesAnyMore()
    {
        const int Pages = 64;
        for (int round = 0; round < 10; round++)
        {
            using Guest guest = new(64, c =>
            {
                Iced.Intel.Label next = c.CreateLabel(), page = c.CreateLabel();
                c.Label(ref next);
                c.mov(rcx, Pages);
                c.mov(rdi, Address);
                c.Label(ref page);
                c.inc(__qword_ptr[rdi]);
                c.add(rdi, (int)Page);
                c.dec(rcx);
                c.jnz(page);
                c.jmp(next);
            });
            guest.Space.Map(Address, Pages * Page, PagePermissions.Read | PagePermissions.Write);
            Task<VcpuExit> run = Task.Run(() => guest.Cpu.Run());
            AddressSpace[] copies = [.. Enumerable.Range(0, 3).Select(_ => guest.Space.Clone())];
            guest.Cpu.RequestExit();
            Assert.Equal(ExitReason.Interrupted, (await run).Reason);
            using AddressSpace last = guest.Space.Clone();
            for (ulong i = 0; i < Pages; i++)
            {
                Assert.Equal(guest.Space.Read<ulong>(Address + i * Page), last.Read<ulong>(Address + i * Page));
            }
            Array.ForEach(copies, copy => copy.Dispose());
        }
    }

    [Fact]
    public void ManyInstancesTakeTheMemoryOfTheirChangesOnly()
    {
        const int Instances = 50, Written = 10;
        const ulong Large = 64 << 20;
        if (!OperatingSystem.IsLinux())
        {
            return;
        }
        using VirtualMachine first = new();
        first.AllocateMemory(0, 0, Large);
        byte[] data = new byte[Large];
        new Random(1).NextBytes(data);
        Assert.True(first.TryWritePhysical(0, data));
        using MachineSnapshot snapshot = first.TakeSnapshot();
        long before = Environment.WorkingSet;
        VirtualMachine[] machines = [.. Enumerable.Range(0, Instances).Select(_ => new VirtualMachine())];
        foreach (VirtualMachine machine in machines)
        {
            machine.Restore(snapshot);
            for (ulong i = 0; i < Written; i++)
            {
                machine.TryWritePhysical(i * 100 * Page, [1]);
            }
        }
        byte[] last = new byte[1];
        Assert.All(machines, machine => Assert.True(machine.TryReadPhysical(Large - 1, last) && last[0] == data[Large - 1]));
        // All of them would be 3.2 GB; other tests run beside this one.
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 1L << 30);
        Array.ForEach(machines, machine => machine.Dispose());
    }
}
