using System.CommandLine;
using System.Diagnostics;
using FastVcpu;
using FastVcpu.Fuzz.Code;

Option<int> seed = new("--seed") { Description = "where to begin", DefaultValueFactory = _ => 1 };
Option<int> seconds = new("--seconds") { Description = "how long to run", DefaultValueFactory = _ => 60 };
Option<string> kinds = new("--kind") { Description = "Long, Compatibility or Segmented16; all without it", DefaultValueFactory = _ => "" };
Option<bool> noHost = new("--no-host") { Description = "do not compare with this machine's CPU" };

Command code = new("code", "runs random code in every way the engine has and on this machine's CPU, and compares") { seed, seconds, kinds, noHost };
code.SetAction(arguments =>
{
    string reason = "";
    using HostCpu? host = arguments.GetValue(noHost) ? null : HostCpu.TryStart(out reason);
    if (host == null)
    {
        Console.WriteLine($"Not compared with the host's CPU: {(reason.Length == 0 ? "not asked for" : reason)}.");
    }
    CodeFuzzer[] fuzzers = [.. Enum.GetValues<CodeKind>().Where(kind => arguments.GetValue(kinds) is "" or null || kind.ToString() == arguments.GetValue(kinds))
        .Select(kind => new CodeFuzzer(kind, CpuModel.Max, host))];
    Stopwatch watch = Stopwatch.StartNew();
    int findings = 0, next = arguments.GetValue(seed);
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && findings < 20)
    {
        foreach (CodeFuzzer fuzzer in fuzzers)
        {
            foreach (string finding in fuzzer.RunBatch(next))
            {
                findings++;
                Console.WriteLine($"batch {next}: {finding}");
            }
        }
        next++;
    }
    Console.WriteLine($"{fuzzers.Sum(fuzzer => fuzzer.Cases)} cases, {fuzzers.Sum(fuzzer => fuzzer.Instructions)} instructions, {findings} findings, batches {arguments.GetValue(seed)} to {next - 1}");
    return findings == 0 ? 0 : 1;
});

return new RootCommand("Attacks the virtual CPU with random input.") { code }.Parse(args).Invoke();
