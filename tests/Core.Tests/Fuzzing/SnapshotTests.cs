using System.Diagnostics;

namespace FastVcpu.Tests.Fuzzing;

/// <summary>Memory and CPU go back to what they were, whatever was done meanwhile and by whom.</summary>
public sealed class SnapshotTests
{
    const ulong Address = 0x100000;
    const ulong Size = 8 << 20;

    [Fact]
    public void WritesOfTheGuestAndOfTheHostAreUndone()
    {
        using Guest guest = new(64, c =>
        {
            c.add(__qword_ptr[rbx], 5);
            c.lea(rsp, __[rsp - 64]);
            c.push(rax);
        });
        guest.Regs.Rbx = Guest.Data;
        guest.Space.Write(Guest.Data, 37ul);
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        VcpuState state = guest.Cpu.SaveState();
        ulong[] registers = guest.Registers;
        for (int round = 0; round < 3; round++)
        {
            guest.RunToEnd();
            guest.Space.Write(Guest.Data + 0x3000, 1);
            Assert.True(guest.Space.TryAccess(Guest.Data + 0x5000, PagePermissions.Read | PagePermissions.Write, out Span<byte> direct));
            direct[0] = 1;
            Assert.Equal(42ul, guest.Space.Read<ulong>(Guest.Data));
            guest.Space.Restore(memory);
            guest.Cpu.RestoreState(state);
            Assert.Equal(37ul, guest.Space.Read<ulong>(Guest.Data));
            Assert.Equal((0, 0), (guest.Space.Read<int>(Guest.Data + 0x3000), guest.Space.Read<int>(Guest.Data + 0x5000)));
            Assert.Equal(registers, guest.Registers);
        }
    }

    /// <summary>Going back again and again to one snapshot copies a few pages on suspicion; now and then, and when they are many, it asks again.</summary>
    [Fact]
    public void ManyRoundsWithFewAndWithManyPagesAreUndone()
    {
        using Guest guest = new(64, c =>
        {
            Iced.Intel.Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.inc(__dword_ptr[rbx]);
            c.add(rbx, 0x1000);
            c.dec(ecx);
            c.jne(loop);
        });
        guest.Space.Map(Address, Size, PagePermissions.Read | PagePermissions.Write);
        guest.Space.Write(Address + 5 * 0x1000, 10);
        guest.Regs.Rbx = Address;
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        VcpuState state = guest.Cpu.SaveState();
        for (int round = 0; round < 300; round++)
        {
            ulong pages = (ulong)(round % 7 == 6 ? 60 : round % 10 + 1);
            guest.Regs.Rcx = pages;
            guest.RunToEnd();
            for (ulong page = 0; page < 64; page++)
            {
                int expected = (page == 5 ? 10 : 0) + (page < pages ? 1 : 0);
                Assert.Equal(expected, guest.Space.Read<int>(Address + page * 0x1000));
            }
            guest.Space.Restore(memory);
            guest.Cpu.RestoreState(state);
        }
        Assert.Equal((0, 10), (guest.Space.Read<int>(Address), guest.Space.Read<int>(Address + 5 * 0x1000)));
    }

    [Fact]
    public void CodeBesideDataThatGoesBackStaysDecoded()
    {
        using Guest guest = new(64, c => c.inc(__dword_ptr[Guest.Code + 0x800]));
        guest.Space.Protect(Guest.Code, 0x1000, PagePermissions.Read | PagePermissions.Write | PagePermissions.Execute);
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        VcpuState state = guest.Cpu.SaveState();
        long decoded = 0;
        for (int round = 0; round < 5; round++)
        {
            guest.RunToEnd();
            Assert.Equal(1, guest.Space.Read<int>(Guest.Code + 0x800));
            decoded = round == 1 ? guest.Cpu.BlocksDecoded : decoded;
            guest.Space.Restore(memory);
            guest.Cpu.RestoreState(state);
        }
        Assert.Equal(decoded, guest.Cpu.BlocksDecoded);
    }

    [Fact]
    public void DecodedCodeIsThatOfTheSnapshotAgain()
    {
        using Guest guest = new(64, [0xB8, 1, 0, 0, 0]);
        using AddressSpaceSnapshot memory = guest.Space.TakeSnapshot();
        for (int round = 0; round < 2; round++)
        {
            guest.Rewind();
            Assert.Equal(1ul, guest.RunToEnd().Regs.Rax);
            guest.Space.Write(Guest.Code + 1, 2);
            guest.Rewind();
            Assert.Equal(2ul, guest.RunToEnd().Regs.Rax);
            guest.Space.Restore(memory);
        }
    }

    [Fact]
    public void ChangesOfTheMapAreUndone()
    {
        using AddressSpace space = new();
        space.Map(Address, Size, PagePermissions.Read | PagePermissions.Write);
        space.Write(Address + 5, 1234567);
        using AddressSpaceSnapshot memory = space.TakeSnapshot();
        IReadOnlyList<MappedRegion> regions = space.Regions;
        for (int round = 0; round < 2; round++)
        {
            space.Unmap(Address, 0x1000);
            space.Map(Address + 0x3000, 0x2000, PagePermissions.Execute);
            space.Protect(Address + Size - 0x1000, 0x1000, PagePermissions.Read);
            space.Write(Address + Size / 2, 1);
            space.Map(Address + 2 * Size, 0x1000, PagePermissions.Read);
            space.Restore(memory);
            Assert.Equal(regions, space.Regions);
            Assert.Equal((1234567, 0), (space.Read<int>(Address + 5), space.Read<int>(Address + Size / 2)));
        }
    }

    [Fact]
    public void MemoryOfTheEmbedderDoesNotCountAgainstTheLimit()
    {
        using AddressSpace space = new(Size);
        space.Map(Address, new byte[0x1000], PagePermissions.Read);
        space.Unmap(Address, 0x1000);
        space.Map(Address, Size, PagePermissions.Read);
        Assert.True(space.TryWrite(Address, [1]));
    }

    [Fact]
    public void ManySpacesShareOneSnapshotAndDoNotSeeEachOther()
    {
        using AddressSpace space = new();
        space.Map(Address, Size / 2, PagePermissions.Read | PagePermissions.Write);
        space.Write(Address, 7);
        using AddressSpaceSnapshot memory = space.TakeSnapshot();
        space.Write(Address, 8);
        using AddressSpace one = new(), other = new();
        one.Restore(memory);
        other.Restore(memory);
        one.Write(Address, 9);
        Assert.Equal((8, 9, 7), (space.Read<int>(Address), one.Read<int>(Address), other.Read<int>(Address)));
        one.Restore(memory);
        space.Restore(memory);
        Assert.Equal((7, 7, 7), (space.Read<int>(Address), one.Read<int>(Address), other.Read<int>(Address)));
    }

    [Fact]
    public void TwoSnapshotsAlternate()
    {
        using AddressSpace space = new();
        byte[] embedders = new byte[0x2000];
        space.Map(Address, 0x4000, PagePermissions.Read | PagePermissions.Write);
        space.Map(Address + 0x4000, embedders, PagePermissions.Read | PagePermissions.Write);
        using AddressSpaceSnapshot first = space.TakeSnapshot();
        space.Write(Address + 0x1FFE, 0x01020304);
        embedders[3] = 5;
        using AddressSpaceSnapshot second = space.TakeSnapshot();
        for (int round = 0; round < 3; round++)
        {
            space.Restore(first);
            Assert.Equal((0, 0), (space.Read<int>(Address + 0x1FFE), space.Read<byte>(Address + 0x4003)));
            space.Restore(second);
            Assert.Equal((0x01020304, 5), (space.Read<int>(Address + 0x1FFE), space.Read<byte>(Address + 0x4003)));
        }
    }

    /// <summary>What the vCPU expects of a return belongs to the mode that it was in.</summary>
    [Fact]
    public void AReturnAfterARestoredChangeOfModeGoesToCodeOfThatMode()
    {
        const ulong Code = 0x1000, Behind = Code + 5, Function = Code + 0x10, Stack = 0x3000, Data = 0x2000;
        using AddressSpace space = new();
        space.Map(Code, 0x1000, PagePermissions.Read | PagePermissions.Execute);
        space.Map(Data, 0x2000, PagePermissions.Read | PagePermissions.Write);
        // CALL Function; DEC RAX (in 32 bits DEC EAX twice); INT3. Function: MOV AL, [RBX]; RET.
        space.Write(Code, [0xE8, 0x0B, 0, 0, 0, 0x48, 0xFF, 0xC8, 0xCC]);
        space.Write(Function, [0x8A, 0x03, 0xC3]);
        using Vcpu wide = new(CpuModel.Max, space, CodeSize.Bits64), narrow = new(CpuModel.Max, space, CodeSize.Bits32);
        narrow.Regs.Rip = Function + 2;
        narrow.Regs.Rsp = Stack;
        foreach (ulong data in new[] { Data, Data, 0ul })
        {
            wide.Regs.Rip = Code;
            wide.Regs.Rsp = Stack;
            wide.Regs.Rbx = data;
            Assert.Equal(ExitReason.Exception, wide.Run(100).Reason);
        }
        space.Write(Stack, Behind);
        wide.RestoreState(narrow.SaveState());
        Assert.Equal(3, wide.Run(100).Vector);
        Assert.Equal(0xFFFF_FFFEul, wide.Regs.Rax);
    }

    [Fact]
    public void AStateOfAnotherModelIsRefused()
    {
        using Guest one = new(32, [0x90]), other = new(32, [0x90], CpuModel.I486);
        other.Regs.Rax = 5;
        Assert.Throws<ArgumentException>(() => other.Cpu.RestoreState(one.Cpu.SaveState()));
        Assert.Equal(5ul, other.Regs.Rax);
    }

    [Fact]
    public void AHundredPagesOfAGuestOfHalfAGibibyteComeBackInMicroseconds()
    {
        const ulong Large = 512 << 20;
        const int Pages = 100, Rounds = 200;
        using AddressSpace space = new();
        for (ulong at = 0; at < Large; at += 4 << 20)
        {
            space.Map(Address + at, 4 << 20, PagePermissions.Read | PagePermissions.Write);
        }
        using AddressSpaceSnapshot memory = space.TakeSnapshot();
        List<double> times = [];
        for (int round = 0; round < Rounds; round++)
        {
            for (ulong i = 0; i < Pages; i++)
            {
                space.Write(Address + i * 0x1000 * 37, round + 1);
            }
            long start = Stopwatch.GetTimestamp();
            space.Restore(memory);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            Assert.Equal(0, space.Read<int>(Address + 37 * 0x1000));
        }
        Console.WriteLine($"restore of {Pages} pages: fastest {times.Min():F1} µs, median {times.Order().ElementAt(Rounds / 2):F1} µs");
        // Far from what it takes, and from what a copy of all of it would take.
        Assert.True(times.Min() < 20_000, $"the fastest restore took {times.Min()} µs");
    }
}
