using FastVcpu.Linux;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Fuzz.Files;

/// <summary>Snapshots of machines and of programs that are damaged or, mostly, forged: their checksum is right. What can be restored runs for a moment.</summary>
sealed class HostileSnapshot : HostileFile
{
    const int Instructions = 3_000, Rest = 2_000;

    static readonly TimeSpan patience = TimeSpan.FromMilliseconds(50);

    readonly GuestRoot root = new();
    readonly byte[] machine = SmallGuests.MachineSnapshot();
    readonly byte[][] programs;

    public HostileSnapshot()
    {
        root.Put("program", SmallGuests.Program);
        root.Put("queues", SmallGuests.Queues);
        programs =
        [
            SmallGuests.ProgramSnapshot("/program", root.Options, 500),
            SmallGuests.ProgramSnapshot("/queues", root.Options with { Clock = new InstructionClock(), RandomSeed = 1 }, 120_000),
        ];
    }

    public override string Take(Random random)
    {
        bool isProgram = random.Next(3) != 0;
        byte[] file = isProgram ? programs[random.Next(programs.Length)] : machine;
        if (random.Next(8) == 0)
        {
            file = Mutation.OfBytes(file, file.Length, random);
        }
        else
        {
            byte[] body = SnapshotEnvelope.Unpack(file);
            // Behind the state there are pages.
            file = SnapshotEnvelope.Pack(Mutation.OfBytes(body, body.Length * 3 / 4, random), (byte)(isProgram ? 1 : 0));
        }
        try
        {
            using MachineSnapshot snapshot = MachineSnapshot.Load(new MemoryStream(file));
            if (isProgram)
            {
                RunProgram(snapshot);
            }
            else
            {
                RunMachine(snapshot);
            }
            return isProgram ? "program ran" : "machine ran";
        }
        catch (SnapshotException error)
        {
            return Refused(error);
        }
    }

    public override void Dispose() => root.Dispose();

    void RunProgram(MachineSnapshot snapshot)
    {
        using LinuxProcess process = new(snapshot, root.Options);
        using Timer nap = new(_ => process.Kill(), null, patience, patience);
        bool stands = process.Run(Instructions) == null;
        try
        {
            if (stands)
            {
                process.StateHash();
            }
        }
        catch (InvalidOperationException error) when (error is not ObjectDisposedException)
        {
            // It has been killed by then.
            stands = false;
        }
        if (stands)
        {
            process.Run(Instructions + Rest);
        }
        process.Kill();
    }

    static void RunMachine(MachineSnapshot snapshot)
    {
        using BootMachine machine = SmallGuests.Machine();
        machine.Restore(snapshot);
        using Timer nap = new(_ => machine.Stop(), null, patience, patience);
        machine.Run(Instructions);
        // The timer may still be about to stop the machine.
        using ManualResetEvent done = new(false);
        nap.Dispose(done);
        done.WaitOne();
    }
}
