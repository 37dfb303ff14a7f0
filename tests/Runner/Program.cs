using System.Reflection;
using FastVcpu.Tests.Runner;
using Xunit.Abstractions;
using Xunit.Sdk;

// Arguments: an assembly of tests, then words; only tests whose name contains one of them are run, or all. Those with a minus in front exclude.
string[] wanted = [.. args.Skip(1).Where(word => word[0] != '-')];
string[] unwanted = [.. args.Skip(1).Where(word => word[0] == '-').Select(word => word[1..])];
Assembly assembly = Assembly.LoadFrom(Path.GetFullPath(args[0]));
using Progress progress = new();
using XunitTestFramework framework = new(progress);
using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
using ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName());

discoverer.Find(includeSourceInformation: false, progress, new Settings());
progress.Wait();
executor.RunTests(
    progress.Found.Where(test => (wanted.Length == 0 || wanted.Any(test.DisplayName.Contains)) && !unwanted.Any(test.DisplayName.Contains)),
    progress,
    new Settings { ["xunit.execution.DisableParallelization"] = true });
progress.Wait();
Console.WriteLine($"{progress.Passed} passed, {progress.Failed} failed");
return progress.Failed == 0 && progress.Passed > 0 ? 0 : 1;
