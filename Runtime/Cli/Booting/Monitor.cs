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
        screenshot FILE   write a picture (PNG) of it
        hash              hash of the whole machine
        snapshot save F   write the state of the whole machine to a file
        snapshot load F   go back to it
        powerdown         press the power button
        quit              end
        """;

    /// <summary>Ends the machine.</summary>
    public void Quit() => machine.Stop();

    /// <summary>Carries out a command; what it says ends with a line break.</summary>
    public string Run(string command)
    {
        string[] words = command.Split((char[]?)null, 3, StringSplitOptions.RemoveEmptyEntries);
        if (words is ["snapshot", "save" or "load", var file])
        {
            return machine.Ask(() => words[1] == "save" ? Save(file.Trim()) : Load(file.Trim()));
        }
        if (words is ["screenshot", ..] && command.Trim()["screenshot".Length..].Trim() is { Length: > 0 } picture)
        {
            return machine.Ask(() => Draw(picture));
        }
        switch (string.Join(' ', words))
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

    string Draw(string file)
    {
        try
        {
            Screenshot.Write(machine, file);
            return "";
        }
        catch (InputException error)
        {
            return error.Message + "\n";
        }
    }

    string Save(string file)
    {
        try
        {
            using MachineSnapshot snapshot = machine.TakeSnapshot();
            SnapshotFile.Write(snapshot, file);
            return $"saved after {machine.InstructionsRetired} instructions\n";
        }
        catch (InputException error)
        {
            return error.Message + "\n";
        }
    }

    string Load(string file)
    {
        try
        {
            using MachineSnapshot snapshot = SnapshotFile.Read(file);
            machine.Restore(snapshot);
            return $"as it was after {machine.InstructionsRetired} instructions\n";
        }
        catch (Exception error) when (error is InputException or SnapshotException)
        {
            return error.Message + "\n";
        }
    }

    static string Join(IEnumerable<string> parts) => parts.Aggregate(new StringBuilder(), (text, part) => text.AppendLine(part)).ToString();
}
