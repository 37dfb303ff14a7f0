namespace FastVcpu.Machine.Tests.Snapshots;

/// <summary>
/// Saving and restoring at random points of random machines changes nothing. FASTVCPU_FUZZ_SEED and FASTVCPU_FUZZ_BATCHES make it another run, or a longer one.
/// </summary>
public class RandomPointTests
{
    const long Length = 150_000;

    static int Seed => int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_SEED") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    static int Batches => int.Parse(Environment.GetEnvironmentVariable("FASTVCPU_FUZZ_BATCHES") ?? "12", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void AMachineThatIsRestoredGoesOnAsOneThatIsNot()
    {
        for (int seed = Seed; seed < Seed + Batches; seed++)
        {
            Check(seed);
        }
    }

    static void Check(int seed)
    {
        Random random = new(seed);
        int processors = 1 + seed % 2;
        using BootMachine straight = RandomGuest.Build(seed, processors);
        BootResult expected = straight.Run(Length);
        BootMachine machine = RandomGuest.Build(seed, processors);
        long[] points = [.. Enumerable.Range(0, 3).Select(_ => random.NextInt64(Length)).Order()];
        foreach (long point in points)
        {
            machine.Run(point);
            using MachineSnapshot snapshot = machine.TakeSnapshot();
            switch (random.Next(3))
            {
                case 0:
                    // Somewhere else, and back.
                    machine.Run(point + random.Next(20_000));
                    machine.Restore(snapshot);
                    break;
                case 1:
                    machine.Dispose();
                    machine = RandomGuest.Build(seed + 1, processors);
                    machine.Run(random.Next(20_000));
                    machine.Restore(snapshot);
                    break;
                default:
                    machine.Dispose();
                    machine = RandomGuest.Build(seed, processors);
                    using (MemoryStream file = new())
                    {
                        snapshot.Save(file);
                        file.Position = 0;
                        using MachineSnapshot loaded = MachineSnapshot.Load(file);
                        machine.Restore(loaded);
                    }
                    break;
            }
        }
        BootResult result = machine.Run(Length);
        string differing = Differences(straight, machine);
        Assert.True(expected.End == result.End && expected.Instructions == result.Instructions && straight.Hash() == machine.Hash(), $"seed {seed}, points {string.Join(' ', points)}: {expected.End} {result.End}; {differing}");
        machine.Dispose();
    }

    static string Differences(BootMachine one, BootMachine other)
    {
        IReadOnlyDictionary<string, byte[]> mine = one.Vm.SaveState(), its = other.Vm.SaveState();
        return string.Join(", ", mine.Where(part => !part.Value.AsSpan().SequenceEqual(its[part.Key])).Select(part => $"{part.Key} at {part.Value.AsSpan().CommonPrefixLength(its[part.Key])}"));
    }
}
