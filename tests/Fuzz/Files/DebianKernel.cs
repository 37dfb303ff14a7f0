using FastVcpu.Machine.Boot;

namespace FastVcpu.Fuzz.Files;

/// <summary>Debian's kernels, which tests/get-kernels.sh fetches, with damaged headers and contents; what can be started runs for a moment.</summary>
sealed class DebianKernel : HostileFile
{
    const int Instructions = 200_000, Headers = 0x600;

    static readonly TimeSpan patience = TimeSpan.FromMilliseconds(100);

    readonly byte[][] kernels = [.. Directory.Exists(Folder) ? Directory.GetFiles(Folder, "vmlinuz", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes) : []];

    /// <summary>Beside the solution, in some folder above this program.</summary>
    static string Folder
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder != null && !File.Exists(Path.Combine(folder, "FastVcpu.sln")))
            {
                folder = Path.GetDirectoryName(folder);
            }
            return Path.Combine(folder ?? "", "artifacts", "kernels");
        }
    }

    public override string Take(Random random)
    {
        if (kernels.Length == 0)
        {
            return "is not there";
        }
        byte[] kernel = Damage(kernels[random.Next(kernels.Length)], random);
        BootOptions options = new()
        {
            Kernel = kernel,
            Memory = (ulong)(random.Next(8) == 0 ? random.Next(1, 32) : 128) << 20,
            CommandLine = "console=ttyS0",
            Module = random.Next(2) == 0 ? null : new byte[random.Next(1 << 20)],
            Entry = random.Next(2) == 0 ? (KernelEntry)random.Next(4) : KernelEntry.Widest,
            Clock = new InstructionClock(),
        };
        return HostileKernel.Boot(options, Instructions, patience);
    }

    /// <summary>The header of a kernel is at the end of its first sector; what it unpacks is anywhere. Sometimes another header lies over its beginning.</summary>
    static byte[] Damage(byte[] kernel, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                byte[] other = random.Next(3) switch
                {
                    0 => KernelFiles.Multiboot1(0x10003, 0x100000, 0x100000, (uint)random.Next(), 0, 0x100020),
                    1 => KernelFiles.Multiboot2([2, 0, 24, 0x100000, 0x100000, (uint)random.Next(), 0], [3, 0, 12, 0x100000]),
                    _ => ElfBuilder.Build(random.Next(2) == 0, KernelFiles.Note((uint)random.Next()), (0, 20)),
                };
                kernel = [.. other, .. kernel.AsSpan(other.Length)];
                return Mutation.OfBytes(kernel, other.Length, random);
            case 1:
                return Mutation.OfBytes(kernel, kernel.Length, random);
            default:
                return [.. kernel[..0x1F0], .. Mutation.OfBytes(kernel[0x1F0..], Headers, random)];
        }
    }
}
