using System.CommandLine;
using System.Diagnostics;
using FastVcpu;
using FastVcpu.Fuzz;
using FastVcpu.Fuzz.Code;
using FastVcpu.Fuzz.Devices;
using FastVcpu.Fuzz.Files;
using FastVcpu.Fuzz.Machines;

Option<int> seed = new("--seed") { Description = "where to begin", DefaultValueFactory = _ => 1 };
Option<int> seconds = new("--seconds") { Description = "how long to run", DefaultValueFactory = _ => 60 };
Option<string> kinds = new("--kind") { Description = "Long, Compatibility or Segmented16; all without it", DefaultValueFactory = _ => "" };
Option<bool> noHost = new("--no-host") { Description = "do not ask this machine's CPU" };

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

Option<bool> audit = new("--audit") { Description = "run what is not compared, and let this machine's CPU settle who is right" };
Command unicorn = new("unicorn", "runs the same random code here and under Unicorn, and compares; where they differ, this machine's CPU settles who is right") { seed, seconds, kinds, audit, noHost };
unicorn.SetAction(arguments =>
{
    using UnicornCpu? reference = UnicornCpu.TryStart(out string reason);
    if (reference == null)
    {
        Console.Error.WriteLine($"Unicorn cannot be used (libunicorn-dev 2.0.1 and gcc are needed): {reason}.");
        return 2;
    }
    if (arguments.GetValue(audit))
    {
        return Audit(arguments, reference);
    }
    using HostCpu? judge = arguments.GetValue(noHost) ? null : HostCpu.TryStart(out _);
    CodeFuzzer[] fuzzers = [.. Enum.GetValues<CodeKind>().Where(kind => arguments.GetValue(kinds) is "" or null || kind.ToString() == arguments.GetValue(kinds))
        .Select(kind => new CodeFuzzer(kind, CpuModel.Max, reference, judge))];
    Stopwatch watch = Stopwatch.StartNew();
    int findings = 0, first = arguments.GetValue(seed), next = first;
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && findings < 20)
    {
        foreach (string finding in fuzzers.SelectMany(fuzzer => fuzzer.RunBatch(next)))
        {
            findings++;
            Console.WriteLine($"batch {next}: {finding}");
        }
        next++;
    }
    foreach (IGrouping<string, long> left in fuzzers.SelectMany(fuzzer => fuzzer.LeftOut).GroupBy(left => left.Key, left => left.Value).OrderByDescending(left => left.Sum()))
    {
        Console.WriteLine($"{left.Sum(),8}  {left.Key}");
    }
    Console.WriteLine($"{fuzzers.Sum(fuzzer => fuzzer.Cases)} cases, {fuzzers.Sum(fuzzer => fuzzer.Compared)} of them compared, {fuzzers.Sum(fuzzer => fuzzer.Instructions)} instructions, {findings} findings, batches {first} to {next - 1}");
    return findings == 0 ? 0 : 1;
});

int Audit(ParseResult arguments, UnicornCpu reference)
{
    using HostCpu? host = HostCpu.TryStart(out string reason);
    if (host == null)
    {
        Console.Error.WriteLine($"This machine's CPU cannot be asked: {reason}.");
        return 2;
    }
    UnicornAudit[] audits = [.. Enum.GetValues<CodeKind>().Select(kind => new UnicornAudit(kind, CpuModel.Max, reference, host))];
    Stopwatch watch = Stopwatch.StartNew();
    int findings = 0, next = arguments.GetValue(seed);
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && findings < 20)
    {
        foreach (string finding in audits.SelectMany(audit => audit.RunBatch(next)))
        {
            findings++;
            Console.WriteLine($"batch {next}: {finding}");
        }
        next++;
    }
    foreach (IGrouping<string, UnicornAudit.Count> seen in audits.SelectMany(audit => audit.Counts).GroupBy(seen => seen.Key, seen => seen.Value).OrderBy(seen => seen.Key))
    {
        Console.WriteLine($"{seen.Sum(count => count.Cases),7} cases, {seen.Sum(count => count.Different),6} other ends under Unicorn, {seen.Sum(count => count.Settled),6} of them settled: {seen.Key}");
    }
    return findings == 0 ? 0 : 1;
}

Option<long> millions = new("--millions") { Description = "stop after so many million instructions", DefaultValueFactory = _ => long.MaxValue / 1_000_000 };
Option<int> cases = new("--cases") { Description = "stop after so many cases", DefaultValueFactory = _ => int.MaxValue };
Command machine = new("machine", "runs random machines – modes, descriptor tables, paging structures, system registers, interrupts – in two ways and compares") { seed, seconds, millions, cases };
machine.SetAction(arguments =>
{
    using MachineFuzzer fuzzer = new();
    Stopwatch watch = Stopwatch.StartNew(), told = Stopwatch.StartNew();
    int first = arguments.GetValue(seed), next = first, findings = 0;
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && findings < 20 && fuzzer.Instructions < arguments.GetValue(millions) * 1_000_000 && next - first < arguments.GetValue(cases))
    {
        if (fuzzer.Run(next++) is { } finding)
        {
            findings++;
            Console.WriteLine(finding);
        }
        if (told.Elapsed.TotalSeconds > 30)
        {
            told.Restart();
            Console.WriteLine($"… {fuzzer.Instructions} instructions, next seed {next}, {watch.Elapsed.TotalSeconds:F0} s");
        }
    }
    foreach ((string name, long count) in fuzzer.Statistics)
    {
        Console.WriteLine($"{name,-40} {count,14}");
    }
    Console.WriteLine($"{fuzzer.Cases} cases, {fuzzer.Instructions} instructions, {findings} findings, seeds {first} to {next - 1}, {watch.Elapsed.TotalSeconds:F0} s");
    return findings == 0 ? 0 : 1;
});

Option<int> digested = new("--cases") { Description = "how many of each kind", DefaultValueFactory = _ => 100 };
Command digest = new("digest", "prints hashes of states and coverage that are the same on every host") { seed, digested };
digest.SetAction(arguments =>
{
    foreach (string line in Digest.Of(arguments.GetValue(seed), arguments.GetValue(digested)))
    {
        Console.WriteLine(line);
    }
});

Command devices = new("devices", "lets the guests of PCs write and read random values at ports, in configuration space and at the registers of devices, and hand them broken queues") { seed, seconds };
devices.SetAction(arguments =>
{
    DeviceFuzzer fuzzer = new();
    Stopwatch watch = Stopwatch.StartNew();
    int next = arguments.GetValue(seed);
    string? finding = null;
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && finding == null)
    {
        finding = fuzzer.Run(next++);
    }
    Console.WriteLine(finding ?? "No findings.");
    Console.WriteLine($"machines {arguments.GetValue(seed)} to {next - 1}, {fuzzer.Retired} instructions, slowest round {fuzzer.Slowest.TotalSeconds:F1} s");
    Console.WriteLine(string.Join(", ", fuzzer.Ends.Select(end => $"{end.Key} {end.Value}")));
    // A run that does not end cannot be waited for.
    Environment.Exit(finding == null ? 0 : 1);
    return 0;
});

Option<string> only = new("--kind") { Description = "program, kernel, vectors, packets, reproduction, snapshot, debugger or debian; all without it", DefaultValueFactory = _ => "" };
Command files = new("files", "hands in damaged programs, kernels, vector files, gdb packets, reproduction files and snapshots") { seed, seconds, cases, only };
files.SetAction(arguments =>
{
    using FileFuzzer fuzzer = new(arguments.GetValue(only)!);
    Stopwatch watch = Stopwatch.StartNew(), told = Stopwatch.StartNew();
    int first = arguments.GetValue(seed), next = first, findings = 0;
    while (watch.Elapsed.TotalSeconds < arguments.GetValue(seconds) && next - first < arguments.GetValue(cases) && findings < 20 && !fuzzer.Hangs)
    {
        if (fuzzer.Run(next++) is { } finding)
        {
            findings++;
            Console.WriteLine(finding);
        }
        if (told.Elapsed.TotalSeconds > 10)
        {
            // Says where to look when the process itself is ended.
            told.Restart();
            Console.WriteLine($"… next seed {next}");
        }
    }
    Console.WriteLine(string.Join(", ", fuzzer.Ends.Select(end => $"{end.Key} {end.Value}")));
    Console.WriteLine($"{fuzzer.Ends.Values.Sum()} cases, {findings} findings, seeds {first} to {next - 1}, slowest case {fuzzer.Slowest.TotalSeconds:F1} s");
    if (fuzzer.Hangs)
    {
        Environment.Exit(1);
    }
    return findings == 0 ? 0 : 1;
});

return new RootCommand("Attacks the virtual CPU with random input.") { code, unicorn, machine, digest, devices, files }.Parse(args).Invoke();
