using BenchmarkDotNet.Running;
using FastVcpu.Bench.Booting;
using FastVcpu.Bench.CodeCache;
using FastVcpu.Bench.Debugging;
using FastVcpu.Bench.Fuzzing;
using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Micro;
using FastVcpu.Bench.Peers;
using FastVcpu.Bench.Regression;
using FastVcpu.Bench.Running;
using FastVcpu.Bench.Snapshots;
using FastVcpu.Bench.Startup;

const int BadArguments = 2;
const string Commands = "boot, peers, regression, micro, startup, debug-cost, code-cache, exits, fuzz, guest and instances";
try
{
    switch (args)
    {
        case ["debug-cost"]:
            DebugCost.Print();
            return 0;
        case ["code-cache", .. string[] rest]:
            CodeCacheCommand.Print(rest.FirstOrDefault());
            return 0;
        case ["boot", .. string[] rest]:
            return BootBenchmark.Run(rest);
        case ["exits"]:
            ExitRate.Print();
            return 0;
        case ["guest", .. string[] rest]:
            return GuestCommand.Run(rest);
        case ["fuzz", .. string[] rest]:
            return FuzzCommand.Run(rest);
        case ["fuzz-target", string file, string input, string runs]:
            FuzzTarget.Print(file, input, int.Parse(runs));
            return 0;
        case ["instances", .. string[] rest]:
            return InstancesCommand.Run(rest);
        case ["startup", .. string[] rest]:
            return StartupCommand.Run(rest);
        case ["first-instruction", string started] when long.TryParse(started, out long timestamp):
            FirstInstruction.Print(timestamp);
            return 0;
        case ["memory-of", string subject] when int.TryParse(subject, out int number) && number >= 0 && number < MemoryUse.Names.Count():
            MemoryUse.Print(number);
            return 0;
        case ["micro", .. string[] rest]:
            return MicroCommand.Run(rest);
        case ["peers", .. string[] rest]:
            return PeersCommand.Run(rest);
        case ["regression", .. string[] rest]:
            return RegressionCommand.Run(rest);
        case [{ } word, ..] when !word.StartsWith('-'):
            throw new ArgumentException($"{word} is not a command; there are {Commands}, and the options of BenchmarkDotNet.");
        default:
            BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
            return 0;
    }
}
catch (Exception exception) when (exception is ArgumentException or EngineException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(exception.Message);
    return BadArguments;
}
