using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Peers;

/// <summary>
/// <c>peers [--runs N] [--guests a,b] [--bits 64,32] [--engines a,b] [--out FOLDER]</c>: the guests on FastVcpu and on its peers, one after the other in each round, so
/// that a disturbance of the machine meets all of them.
/// </summary>
static class PeersCommand
{
    const string Ours = "FastVcpu";

    public static int Run(string[] words)
    {
        CommandWords line = new CommandWords(words, "--runs", "--guests", "--bits", "--engines", "--out").NoRest();
        IReadOnlyList<GuestProgram> programs = line.Programs;
        int runs = line.Runs;
        if (line.Out is { } results)
        {
            Directory.CreateDirectory(results);
        }
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("fastvcpu-peers");
        try
        {
            List<Engine> engines = Present(Wanted(All(scratch.FullName), line.Words("--engines")));
            PeerTable table = Measure(programs, runs, engines);
            Console.Write(table.ToText());
            if (line.Out is { } folder)
            {
                File.WriteAllText(Path.Combine(folder, "peers.txt"), table.ToText());
                File.WriteAllText(Path.Combine(folder, "peers.json"), table.ToJson());
                File.WriteAllText(Path.Combine(folder, "peers.html"), PeerPage.Make(table));
            }
            return table.Disagreements.Count == 0 ? 0 : 1;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    /// <summary>Everybody that is known, ours first.</summary>
    static Engine[] All(string scratch)
    {
        string own = AppContext.BaseDirectory, unicorn = Path.Combine(Repository.Root, "bench", "Peers", "unicorn.c");
        return
        [
            new OurTool(Ours, own),
            new OurTool("+ limit", own, Extra.Limit),
            new OurTool("+ coverage", own, Extra.Coverage),
            new OurTool("+ edges", own, Extra.Edges),
            new ElfEngine("native", scratch, _ => null),
            new ElfEngine("qemu-user", scratch, bits => bits == 64 ? "qemu-x86_64" : "qemu-i386"),
            new QemuSystemEngine(scratch),
            new BochsEngine(scratch),
            new UnicornEngine("Unicorn", "plain", unicorn, scratch),
            new UnicornEngine("Unicorn vTLB", "tlb", unicorn, scratch),
            new UnicornEngine("Uc block hook", "block", unicorn, scratch),
            new UnicornEngine("Uc limit", "limit", unicorn, scratch),
        ];
    }

    static IEnumerable<Engine> Wanted(Engine[] all, string[] names)
    {
        if (names.Except(all.Select(engine => engine.Name)).FirstOrDefault() is { } unknown)
        {
            throw new ArgumentException($"{unknown} is not an engine; there are {string.Join(", ", all.Select(engine => engine.Name))}.");
        }
        return all.Where(engine => names.Length == 0 || engine.Name == Ours || names.Contains(engine.Name));
    }

    static List<Engine> Present(IEnumerable<Engine> wanted)
    {
        List<Engine> engines = [];
        foreach (Engine engine in wanted)
        {
            if (engine.Missing is { } missing)
            {
                Console.Error.WriteLine($"{engine.Name} is left out: {missing}");
            }
            else
            {
                engines.Add(engine);
            }
        }
        return engines;
    }

    static PeerTable Measure(IReadOnlyList<GuestProgram> programs, int runs, List<Engine> engines)
    {
        PeerTable table = new([.. engines.Select(engine => engine.Name)]);
        HashSet<(GuestProgram, Engine)> broken = [];
        for (int run = 0; run < runs; run++)
        {
            foreach (GuestProgram program in programs)
            {
                foreach (Engine engine in engines.Where(engine => !broken.Contains((program, engine))))
                {
                    try
                    {
                        Measurement measurement = engine.Measure(program);
                        table.Add(program, engine.Name, measurement);
                        Console.Error.WriteLine($"{run + 1}/{runs} {program} {engine.Name} {measurement.Rate:F0}");
                    }
                    catch (EngineException exception)
                    {
                        broken.Add((program, engine));
                        table.Broken.Add(exception.Message);
                        Console.Error.WriteLine(exception.Message);
                    }
                }
            }
        }
        return table;
    }
}
