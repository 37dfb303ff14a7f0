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
        Queue<byte> typed = new(Encoding.ASCII.GetBytes(
            "echo $((6 * 7)) > /tmp/x; echo \"answer $(cat /tmp/x)\"\nmd5sum /dev/vda\nprintf 'written by the guest' | dd of=/dev/vda seek=3 2> /dev/null; echo \"dd $?\"\nexit\n"));
        StringBuilder console = new();
        BootOptions options = new()
        {
            Kernel = KernelFactAttribute.Read("vmlinuz"),
            Module = KernelFactAttribute.Read("initrd"),
            CommandLine = "console=ttyS0 quiet",
            Memory = 256 << 20,
            Disk = new MemoryDisk(image),
            Clock = new InstructionClock(),
            SerialOutput = value => console.Append((char)value),
        };
        using BootMachine machine = new(options);
        machine.Serial!.Source = () => typed.TryDequeue(out byte value) ? value : null;
        BootResult result = machine.Run(Limit);
        Assert.True(result.End == BootEnd.PoweredOff, $"{result.End}: {console}");
        string[] lines = [.. console.ToString().Split('\n').Select(line => line.TrimEnd())];
        Assert.Contains("answer 42", lines);
        Assert.Contains($"{sum}  /dev/vda", lines);
        Assert.Contains("dd 0", lines);
        Assert.Equal("written by the guest", Encoding.ASCII.GetString(image, 3 * 512, 20));
    }
}
