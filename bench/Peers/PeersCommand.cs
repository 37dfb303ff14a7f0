using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;
using FastVcpu.Tests;

namespace FastVcpu.Bench.Peers;

/// <summary>
/// <c>peers [--runs N] [--guests a,b] [--bits 64,32] [--out FOLDER]</c>: the guests on FastVcpu and on its peers, one after the other in each round, so that
/// a disturbance of the machine meets all of them.
/// </summary>
static class PeersCommand
{
    public static int Run(CommandWords line)
    {
        string guests = line.Guests;
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("fastvcpu-peers");
        try
        {
            OurTool ours = new("FastVcpu", Repository.Root, guests);
            ours.Build();
            List<Engine> engines = [ours];
            Engine[] peers =
            [
                new ElfEngine("native", guests, scratch.FullName, _ => null),
                new ElfEngine("qemu-user", guests, scratch.FullName, bits => bits == 64 ? "qemu-x86_64" : "qemu-i386"),
                new UnicornEngine(Path.Combine(Repository.Root, "bench", "Peers", "unicorn.c"), guests, scratch.FullName),
            ];
            foreach (Engine peer in peers)
            {
                if (peer.Missing is { } missing)
                {
                    Console.Error.WriteLine($"{peer.Name} is left out: {missing}");
                }
                else
                {
                    engines.Add(peer);
                }
            }
            PeerTable table = Measure(line, engines);
            Console.Write(table.ToText());
            if (line.Out is { } folder)
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(Path.Combine(folder, "peers.txt"), table.ToText());
                File.WriteAllText(Path.Combine(folder, "peers.json"), table.ToJson());
                File.WriteAllText(Path.Combine(folder, "peers.html"), table.ToHtml());
            }
            return table.Disagreements.Count == 0 ? 0 : 1;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    static PeerTable Measure(CommandWords line, List<Engine> engines)
    {
        PeerTable table = new([.. engines.Select(e => e.Name)]);
        for (int run = 0; run < line.Runs; run++)
        {
            foreach (GuestProgram program in line.Programs)
            {
                foreach (Engine engine in engines)
                {
                    double rate = engine.Measure(program, out string checksum);
                    table.Add(program, engine.Name, rate, checksum);
                    Console.Error.WriteLine($"{run + 1}/{line.Runs} {program} {engine.Name} {rate:F0}");
                }
            }
        }
        return table;
    }
}
