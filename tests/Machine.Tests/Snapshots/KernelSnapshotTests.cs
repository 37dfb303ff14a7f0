using FastVcpu.Machine.Tests.Boot;

namespace FastVcpu.Machine.Tests.Snapshots;

/// <summary>Debian's kernel goes the same way each time, also through a file in the middle of it.</summary>
public class KernelSnapshotTests
{
    const long Middle = 90_000_000, End = 200_000_000;

    [KernelFact]
    public void TwoBootsAndOneThroughAFileHaveTheSameHash()
    {
        using BootMachine one = Boot(true), other = Boot(true), third = Boot(false);
        Assert.Equal(BootEnd.Limit, one.Run(End).End);
        string hash = one.Hash();
        other.Run(Middle);
        using MemoryStream file = new();
        using (MachineSnapshot snapshot = other.TakeSnapshot())
        {
            snapshot.Save(file);
        }
        file.Position = 0;
        using MachineSnapshot loaded = MachineSnapshot.Load(file);
        third.Restore(loaded);
        Assert.Equal(Middle, third.InstructionsRetired);
        third.Run(End);
        Assert.Equal(hash, third.Hash());
    }

    static BootMachine Boot(bool hasKernel) => new(new BootOptions
    {
        Kernel = hasKernel ? KernelFactAttribute.Read("vmlinuz") : null,
        Module = hasKernel ? KernelFactAttribute.Read("initrd") : null,
        CommandLine = "console=ttyS0",
        Memory = 512 << 20,
        CpuModel = CpuModel.Max.Without(CpuFeature.Rdrand, CpuFeature.Rdseed),
        Clock = new InstructionClock(),
        StartTime = new DateTime(2026, 1, 1),
        EntropySeed = 0,
        SerialOutput = static _ => { },
    });
}
