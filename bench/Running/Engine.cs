using FastVcpu.Bench.Guests;

namespace FastVcpu.Bench.Running;

/// <summary>Something that runs guest programs in a process of its own.</summary>
abstract class Engine(string name)
{
    /// <summary>CPU seconds that a measured run should take at least.</summary>
    const double Enough = 0.4;

    readonly Dictionary<GuestProgram, int> iterations = [];

    public string Name => name;

    /// <summary>What is missing, or null.</summary>
    public abstract string? Missing { get; }

    /// <summary>Calls the program; the output is its checksum as eight hexadecimal digits.</summary>
    public abstract Finished Call(GuestProgram program, int iterations);

    /// <summary>
    /// Million guest instructions a second of CPU time. The time of one iteration is taken away, so that starting and translating do not count. The
    /// first measurement of a program finds out how many iterations are enough.
    /// </summary>
    public double Measure(GuestProgram program, out string checksum)
    {
        if (!iterations.TryGetValue(program, out int count))
        {
            count = 4;
            double least = Call(program, 1).Seconds;
            for (double time; count < 1 << 24 && (time = Call(program, count).Seconds - least) < Enough;)
            {
                count *= time < Enough / 8 ? 8 : 2;
            }
            iterations[program] = count;
        }
        Finished one = Call(program, 1), many = Call(program, count);
        checksum = one.Output.Trim();
        return program.PerIteration * (count - 1.0) / Math.Max(many.Seconds - one.Seconds, 1e-6) / 1e6;
    }
}
