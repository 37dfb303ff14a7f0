using BenchmarkDotNet.Running;
using FastVcpu.Bench.Debugging;
using FastVcpu.Bench.Micro;
using FastVcpu.Bench.Peers;
using FastVcpu.Bench.Regression;
using FastVcpu.Bench.Running;

try
{
    switch (args)
    {
        case ["debug-cost"]:
            DebugCost.Print();
            return 0;
        case ["exits"]:
            ExitRate.Print();
            return 0;
        case ["peers", .. string[] rest]:
            return PeersCommand.Run(new CommandWords(rest));
        case ["regression", .. string[] rest]:
            return RegressionCommand.Run(new CommandWords(rest));
        default:
            BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
            return 0;
    }
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 2;
}
