using System.Buffers.Binary;

namespace FastVcpu.Machine.Tests.Snapshots;

/// <summary>Files that are no good: whoever made them, they are refused with one sentence or do no harm.</summary>
public class SnapshotFileTests
{
    const int StateBytes = 24_000;
    const long Middle = 30_000;

    static int Rounds => 20 * int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_BATCHES") ?? "12", System.Globalization.CultureInfo.InvariantCulture);

    static int Seed => int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_SEED") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void DamagedFilesAreRefused()
    {
        byte[] file = File(out _);
        Random random = new(Seed);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bad = [.. file];
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            Refuse(round % 3 == 0 ? file[..random.Next(file.Length)] : round % 3 == 1 ? [.. file, (byte)random.Next(256)] : bad);
        }
        Refuse([]);
        Refuse("This is a text, and no snapshot of a machine."u8.ToArray());
        Refuse(new byte[10_000]);
        byte[] other = [.. file];
        other[8]++;
        Assert.Contains("version 2", Refuse(other));
    }

    [Fact]
    public void ForgedFilesAreRefusedOrDoNoHarm()
    {
        byte[] file = File(out _);
        byte[] body = SnapshotEnvelope.Unpack(file);
        Random random = new(Seed);
        using BootMachine machine = RandomGuest.Build(1);
        machine.Run(Middle / 2);
        string before = machine.Hash();
        int refused = 0, taken = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bad = [.. body];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                int at = random.Next(round % 8 == 0 ? bad.Length : StateBytes);
                bad[at] = random.Next(3) switch { 0 => (byte)random.Next(256), 1 => 0xFF, _ => (byte)(bad[at] ^ 1 << random.Next(8)) };
            }
            try
            {
                using MachineSnapshot snapshot = MachineSnapshot.Load(new MemoryStream(SnapshotEnvelope.Pack(bad, kind: 0)));
                machine.Restore(snapshot);
            }
            catch (SnapshotException)
            {
                refused++;
                Assert.Equal(before, machine.Hash());
                continue;
            }
            taken++;
            // It may wait for something that never comes.
            using (new Timer(_ => machine.Cpu.RequestExit(), null, 50, 50))
            {
                machine.Cpu.Run(3000);
            }
            before = machine.Hash();
        }
        Assert.True(refused > 0 && taken > 0, $"{refused} refused, {taken} taken");
    }

    /// <summary>A host may not map so much; if it does, none of it is touched.</summary>
    [Fact]
    public void MoreMemoryThanTheHostGivesIsRefusedBeforeAnythingChanges()
    {
        using VirtualMachine vm = new(new InstructionClock());
        vm.AllocateMemory(0, 0, 4096);
        using MemoryStream file = new();
        using (MachineSnapshot small = vm.TakeSnapshot())
        {
            small.Save(file);
        }
        byte[] body = SnapshotEnvelope.Unpack(file.ToArray());
        // In front of the end of the only slot's pages, of which there are none.
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(body.Length - 16), 1L << 40);
        byte[] before = vm.StateHash();
        try
        {
            using MachineSnapshot huge = MachineSnapshot.Load(new MemoryStream(SnapshotEnvelope.Pack(body, kind: 0)));
            vm.Restore(huge);
        }
        catch (SnapshotException error)
        {
            Assert.Contains("more than this host gives", error.Message);
            Assert.Equal(before, vm.StateHash());
        }
    }

    [Fact]
    public void AnotherKindOfMachineIsRefusedAndNothingHasChanged()
    {
        using BootMachine one = RandomGuest.Build(1, processors: 1), two = RandomGuest.Build(1, processors: 2);
        two.Run(1000);
        string before = two.Hash();
        using MachineSnapshot snapshot = one.TakeSnapshot();
        Assert.Contains("another machine", Assert.Throws<SnapshotException>(() => two.Restore(snapshot)).Message);
        Assert.Equal(before, two.Hash());
    }

    [Fact]
    public void ZerosTakeNoPlace()
    {
        byte[] file = File(out MachineDescription description);
        Assert.Equal(16u << 20, description.Memory);
        Assert.InRange(file.Length, 1000, 200_000);
    }

    static byte[] File(out MachineDescription description)
    {
        using BootMachine machine = RandomGuest.Build(1);
        machine.Run(Middle);
        using MachineSnapshot snapshot = machine.TakeSnapshot();
        description = MachineDescription.Parse(snapshot.Description);
        using MemoryStream file = new();
        snapshot.Save(file);
        return file.ToArray();
    }

    static string Refuse(byte[] file) => Assert.Throws<SnapshotException>(() => MachineSnapshot.Load(new MemoryStream(file))).Message;
}
