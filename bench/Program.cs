using BenchmarkDotNet.Running;
using FastVcpu.Bench.Debugging;
using FastVcpu.Bench.Micro;

switch (args)
{
    case ["debug-cost"]:
        DebugCost.Print();
        break;
    case ["exits"]:
        ExitRate.Print();
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        break;
}
