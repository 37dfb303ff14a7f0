using System.Text;
using FastVcpu.Cli.Reporting;
using FastVcpu.Machine.Boot;

namespace FastVcpu.Cli.Booting;

/// <summary>The commands of the monitor. The machine stands still while one is carried out.</summary>
/// <param name="machine">The machine.</param>
sealed class Monitor(BootMachine machine)
{
    public const string Prompt = "(fastvcpu) ";

    const string Help = """
        info registers    registers of the processors
        info status       retired instructions, decoded blocks, time of the machine
        screen            what stands on the text screen
        hash              hash of memory and processors
        powerdown         press the power button
        quit              end
        """;

    /// <summary>Ends the machine.</summary>
    public void Quit() => machine.Stop();

    /// <summary>Carries out a command; what it says ends with a line break.</summary>
    public string Run(string command)
    {
        switch (string.Join(' ', command.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
        {
            case "":
                return "";
            case "info registers":
                return machine.Ask(() => Join(machine.Processors.Select(MachineReport.Of)));
            case "info status":
                return machine.Ask(Status);
            case "screen":
                return machine.Ask(() => machine.Screen);
            case "hash":
                return machine.Ask(() => machine.Hash() + "\n");
            case "powerdown":
                machine.PressPowerButton();
                return "";
            case "quit":
                Quit();
                return "";
            case "help":
                return Help + "\n";
            default:
                return "There is no such command; 'help' lists them.\n";
        }
    }

    string Status() =>
        $"{machine.InstructionsRetired} instructions, {machine.Processors.Sum(cpu => cpu.BlocksDecoded)} blocks decoded, {machine.Vm.Clock.Now / 1e9:F3} s\n";

    static string Join(IEnumerable<string> parts) => parts.Aggregate(new StringBuilder(), (text, part) => text.AppendLine(part)).ToString();
}
