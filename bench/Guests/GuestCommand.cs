using System.Text.Json;
using System.Text.Json.Serialization;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Guests;

/// <summary>What one call of a guest program gave and took.</summary>
/// <param name="Checksum">The low half of RAX.</param>
/// <param name="Instructions">Instructions retired by the measured call.</param>
/// <param name="Seconds">CPU time of the measured call, all threads of the process.</param>
/// <param name="Allocated">Bytes allocated on the managed heap during the measured call.</param>
/// <param name="HostInstructions">Host instructions retired in user mode during the measured call; null where nothing counts them.</param>
sealed record GuestResult(
    [property: JsonPropertyName("checksum")] uint Checksum,
    [property: JsonPropertyName("instructions")] long Instructions,
    [property: JsonPropertyName("seconds")] double Seconds,
    [property: JsonPropertyName("allocated")] long Allocated,
    [property: JsonPropertyName("hostInstructions")] long? HostInstructions);

/// <summary>
/// <c>guest FILE BITS ITERATIONS [none|limit|coverage|edges] [WARM-UP]</c>: calls a flat program once and prints a <see cref="GuestResult"/>. The other commands run this in
/// processes of its own; it uses the public API only, so that a FastVcpu.dll of another commit can be put in the place of this one's.
/// </summary>
static class GuestCommand
{
    public static int Run(string[] words)
    {
        if (words.Length is < 3 or > 5)
        {
            throw new ArgumentException("expected `guest FILE BITS ITERATIONS [none|limit|coverage|edges] [WARM-UP ITERATIONS]`.");
        }
        if (words[1] is not ("32" or "64"))
        {
            throw new ArgumentException($"{words[1]}: a guest has 32 or 64 bits.");
        }
        Extra extra = Extra.None;
        if (words.Length > 3 && (!Enum.TryParse(words[3], ignoreCase: true, out extra) || !Enum.IsDefined(extra)))
        {
            throw new ArgumentException($"{words[3]} is not none, limit, coverage or edges.");
        }
        if (!File.Exists(words[0]))
        {
            throw new ArgumentException($"{words[0]} does not exist.");
        }
        GuestResult result = Measure(words[0], int.Parse(words[1]), Count(words[2]), extra, words.Length > 4 ? Count(words[4]) : 0);
        Console.WriteLine(JsonSerializer.Serialize(result));
        return 0;
    }

    public static GuestResult Measure(string file, int bits, long iterations, Extra extra, long warmUp)
    {
        using GuestCall guest = new(file, bits, extra);
        if (warmUp > 0)
        {
            guest.Call(warmUp);
        }
        using InstructionCounter? counter = InstructionCounter.Open();
        long hostInstructions = counter?.Read() ?? 0;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long instructions = guest.Call(iterations);
        TimeSpan after = Environment.CpuUsage.TotalTime;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        hostInstructions = (counter?.Read() ?? 0) - hostInstructions;
        return new GuestResult((uint)guest.Cpu.Regs.Rax, instructions, (after - before).TotalSeconds, allocated, counter == null ? null : hostInstructions);
    }

    static long Count(string word) =>
        long.TryParse(word, out long count) && count > 0 ? count : throw new ArgumentException($"{word} is not a number of iterations.");
}
