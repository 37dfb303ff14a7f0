using System.CommandLine;
using System.Runtime.InteropServices;
using FastVcpu.Cli.KvmReplay;

namespace FastVcpu.Cli.Commands;

/// <summary>`fastvcpu kvm-compare`: plays the scenarios of guest debugging on the host's KVM and on FastVcpu.</summary>
static class KvmCompareCommand
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        Command command = new(
            "kvm-compare",
            "Play scenarios of guest debugging on the KVM of this machine and on FastVcpu, and print what both do side by side. Each difference is one that the "
            + "specification wants (ours), one of KVM where it emulates instructions (host), or unexplained. Exit code: 0, 1 when something is unexplained, 2 without KVM.");
        command.SetAction(_ => Run());
        return command;
    }

    static int Run()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64 || !File.Exists(KvmCalls.Device))
        {
            throw new InputException($"This needs Linux on x86-64 with {KvmCalls.Device}, which is not here.");
        }
        int same = 0, ours = 0, host = 0, unexplained = 0;
        foreach (Scenario scenario in Scenarios.All)
        {
            Console.WriteLine($"{scenario.Statement} {scenario.Title}");
            using Timer watchdog = new(_ => GiveUp(scenario), null, Patience, Timeout.InfiniteTimeSpan);
            using KernelReplay kernel = new();
            using FastVcpuReplay mine = new();
            scenario.Play(kernel);
            scenario.Play(mine);
            foreach ((Observation theirs, Observation own) in kernel.Seen.Zip(mine.Seen))
            {
                string verdict = theirs.Value == own.Value ? "same"
                    : own.Reason == "ours" ? $"ours ({scenario.Statement})"
                    : own.Reason ?? "UNEXPLAINED";
                Console.WriteLine($"    {own.What,-24} {theirs.Value,-52} {(theirs.Value == own.Value ? "=" : own.Value),-52} {verdict}");
                same += verdict == "same" ? 1 : 0;
                unexplained += verdict == "UNEXPLAINED" ? 1 : 0;
                host += verdict.StartsWith("host", StringComparison.Ordinal) ? 1 : 0;
            }
            ours += kernel.Seen.Count;
        }
        ours -= same + host + unexplained;
        Console.WriteLine($"{same} same, {ours} as specified, {host} of the host, {unexplained} unexplained; the left column is KVM");
        return unexplained == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    static void GiveUp(Scenario scenario)
    {
        Console.Error.WriteLine($"fastvcpu: KVM does not come back from '{scenario.Statement} {scenario.Title}'.");
        Environment.Exit(ExitCode.Failed);
    }
}
