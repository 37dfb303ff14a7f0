using System.Security.Cryptography;
using System.Text;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>Debian's kernel boots to a shell, runs commands, and switches the machine off.</summary>
public class DebianKernelTests
{
    const int DiskSize = 1 << 20;
    const long Limit = 20_000_000_000;

    [KernelFact]
    public void TheShellRunsCommandsAndTheDiskKeepsWhatIsWritten()
    {
        byte[] image = new byte[DiskSize];
        new Random(4).NextBytes(image);
        string sum = Convert.ToHexStringLower(MD5.HashData(image));
        string console = Boot(
            "echo $((6 * 7)) > /tmp/x; echo \"answer $(cat /tmp/x)\"\nmd5sum /dev/vda\nprintf 'written by the guest' | dd of=/dev/vda seek=3 2> /dev/null; echo \"dd $?\"\nexit\n",
            new InstructionClock(),
            disk: image);
        string[] lines = Lines(console);
        Assert.Contains("answer 42", lines);
        Assert.Contains($"{sum}  /dev/vda", lines);
        Assert.Contains("dd 0", lines);
        Assert.Equal("written by the guest", Encoding.ASCII.GetString(image, 3 * 512, 20));
    }

    [KernelFact]
    public void TwoProcessorsOnThreadsOfTheirOwnWorkAtOnce()
    {
        string console = Boot(
            "grep -c ^processor /proc/cpuinfo; for i in 1 2 3 4; do (seq 3000 | md5sum) & done; wait; echo done\nexit\n",
            new RealClock(),
            processors: 2);
        string[] lines = Lines(console);
        string sum = Convert.ToHexStringLower(MD5.HashData(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 3000).Select(i => $"{i}\n")))));
        Assert.Contains("2", lines);
        Assert.Equal(4, lines.Count(line => line.StartsWith(sum, StringComparison.Ordinal)));
        Assert.Contains("done", lines);
    }

    /// <summary>Far enough that both run and interrupt each other.</summary>
    [KernelFact]
    public void TwoProcessorsInTurnGoTheSameWayEachTime()
    {
        string Once()
        {
            StringBuilder console = new();
            using BootMachine machine = new(Options(new InstructionClock(), 2, console));
            Assert.Equal(BootEnd.Limit, machine.Run(350_000_000).End);
            Assert.Contains("Brought up 1 node, 2 CPUs", console.ToString());
            return machine.Hash() + console;
        }

        Assert.Equal(Once(), Once());
    }

    /// <summary>Boots to the shell, types, and returns what stands on the console when the machine has switched itself off.</summary>
    static string Boot(string typed, Clock clock, int processors = 1, byte[]? disk = null)
    {
        Queue<byte> keys = new(Encoding.ASCII.GetBytes(typed));
        StringBuilder console = new();
        using BootMachine machine = new(Options(clock, processors, console, disk));
        machine.Serial!.Source = () => keys.TryDequeue(out byte value) ? value : null;
        BootResult result = machine.Run(Limit);
        Assert.True(result.End == BootEnd.PoweredOff, $"{result.End}: {console}");
        return console.ToString();
    }

    static string[] Lines(string console) => [.. console.Split('\n').Select(line => line.TrimEnd())];

    static BootOptions Options(Clock clock, int processors, StringBuilder console, byte[]? disk = null) => new()
    {
        Kernel = KernelFactAttribute.Read("vmlinuz"),
        Module = KernelFactAttribute.Read("initrd"),
        CommandLine = processors == 1 ? "console=ttyS0 quiet" : "console=ttyS0",
        Memory = 256 << 20,
        Processors = processors,
        Disk = disk == null ? null : new MemoryDisk(disk),
        CpuModel = clock is InstructionClock ? CpuModel.Max.Without(CpuFeature.Rdrand, CpuFeature.Rdseed) : CpuModel.Max,
        StartTime = new DateTime(2026, 1, 1),
        Entropy = clock is InstructionClock ? data => data.Clear() : RandomNumberGenerator.Fill,
        Clock = clock,
        SerialOutput = value => console.Append((char)value),
    };
}
