using FastVcpu;
using FastVcpu.Fuzzing;
using FastVcpu.Linux;

// Fuzzes uncompress() of zlib as Debian has it: no source, no recompilation. Arguments: number of runs, path of the library.
int runs = args.Length > 0 ? int.Parse(args[0]) : 200_000;
using LibraryFunction uncompress = new(args.Length > 1 ? args[1] : "/lib/x86_64-linux-gnu/libz.so.1", "uncompress");
const ulong Room = 64 << 10;
GuestBuffer output = uncompress.Allocate(Room), length = uncompress.Allocate(sizeof(ulong)), source = uncompress.Allocate(Room);
uncompress.Space.Write(length.Address, Room);
using CoverageMap coverage = new();
uncompress.Cpu.Coverage = coverage;
using Harness harness = new(uncompress.Cpu)
{
    EndAddress = uncompress.ReturnAddress,
    Locate = uncompress.Program.Locate,
    OnExit = uncompress.Serve,
    Inject = (_, input) => uncompress.Call(output.Address, length.Address, source.PutAtEnd(input), (ulong)input.Length),
};
List<byte[]> corpus = [[0x78, 0x9C, 0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x05, 0x8C, 0x01, 0xF5]];
(SeenCoverage seen, HashSet<string> buckets, Random random) = (new(), [], new(1));
for (int run = 0; run < runs; run++)
{
    byte[] input = [.. corpus[random.Next(corpus.Count)]];
    for (int changes = random.Next(4); changes > 0; changes--)
    {
        input[random.Next(input.Length)] ^= (byte)(1 << random.Next(8));
    }
    coverage.Clear();
    FuzzResult result = harness.Run(input);
    if (result.Outcome != FuzzOutcome.Done && buckets.Add(result.Bucket))
    {
        Console.WriteLine($"{result.Bucket}: {Convert.ToHexString(input)}");
    }
    if (seen.Add(coverage))
    {
        corpus.Add(input);
    }
}
Console.WriteLine($"{runs} runs, {corpus.Count} inputs, {seen.Count} edges and counts, {buckets.Count} kinds of crashes");
