using FastVcpu.Machine.Boot;

namespace FastVcpu.Fuzz.Files;

/// <summary>Damaged kernels of all boot protocols, in machines of little memory; what can be started runs for a moment.</summary>
sealed class HostileKernel : HostileFile
{
    const int Instructions = 5_000, Headers = 0x300;

    static readonly byte[][] kernels =
    [
        KernelFiles.Linux([0x90, 0x90, 0xEB, 0xFC]),
        ElfBuilder.Build(true, KernelFiles.Multiboot2([2, 0, 24, 0x200000, 0x200000, 0, 0], [3, 0, 12, 0x200000]), symbols: new byte[32]),
        ElfBuilder.Build(false, KernelFiles.Multiboot2([1, 0, 12, 6], [10, 0, 24, 0x100000, 0x400000, 0x1000, 1]), symbols: new byte[32]),
        ElfBuilder.Build(false, KernelFiles.Multiboot1(), symbols: new byte[32]),
        [.. KernelFiles.Multiboot1(0x10003, 0x100000, 0x100000, 0x101000, 0x102000, 0x100020), 0xEB, 0xFE, .. new byte[0xFE0]],
        ElfBuilder.Build(true, KernelFiles.Note(ElfBuilder.Base + ElfBuilder.ContentOffset), (0, 20)),
        ElfBuilder.Build(false, KernelFiles.Note(ElfBuilder.Base + ElfBuilder.ContentOffset), (0, 20)),
    ];

    public override string Take(Random random)
    {
        int choice = random.Next(kernels.Length);
        byte[] kernel = kernels[choice];
        // A Linux kernel's header lies at the end of its first sector.
        kernel = choice == 0 && random.Next(8) != 0
            ? [.. kernel[..0x1F0], .. Mutation.OfBytes(kernel[0x1F0..], 0x90, random)]
            : Mutation.OfBytes(kernel, Headers, random);
        BootOptions options = new()
        {
            Kernel = kernel,
            Memory = (ulong)random.Next(1, 17) << 20,
            CommandLine = new string('x', random.Next(4) == 0 ? random.Next(5000) : 5),
            Module = random.Next(3) == 0 ? null : new byte[random.Next(16) == 0 ? random.Next(1 << 24) : random.Next(5000)],
            Entry = random.Next(3) == 0 ? (KernelEntry)random.Next(4) : KernelEntry.Widest,
            CpuModel = random.Next(4) == 0 ? CpuModel.Pentium : CpuModel.Max,
            Clock = new InstructionClock(),
        };
        return Boot(options, Instructions, TimeSpan.FromMilliseconds(20));
    }

    /// <summary>Runs a kernel up to a number of instructions, or for a time.</summary>
    internal static string Boot(BootOptions options, long instructions, TimeSpan patience)
    {
        try
        {
            using BootMachine machine = new(options);
            using Timer nap = new(_ => machine.Stop(), null, patience, Timeout.InfiniteTimeSpan);
            machine.Run(instructions);
            // The timer may still be about to stop the machine.
            using ManualResetEvent done = new(false);
            nap.Dispose(done);
            done.WaitOne();
            return "ran";
        }
        catch (BootException error)
        {
            return Refused(error);
        }
    }
}
