using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Micro;

/// <summary>What was measured of one case.</summary>
sealed class MicroMeasurement(MicroCase made)
{
    const double Million = 1e6, NanosecondsInSecond = 1e9;

    long runs;

    public MicroCase Case => made;

    /// <summary>CPU time of an operation.</summary>
    public Sample Nanoseconds { get; } = new();

    /// <summary>Bytes allocated for a million guest instructions, the least that was measured; null when no guest runs.</summary>
    public double? AllocatedForMillion { get; private set; } = double.MaxValue;

    /// <summary>One more measurement. The first one warms up and finds out how many runs are enough.</summary>
    public void Measure(double warmUp, double enough)
    {
        if (runs == 0)
        {
            double start = Now(), time;
            long done = 0;
            do
            {
                made.Run();
                done++;
                time = Now() - start;
            }
            while (time < warmUp);
            runs = Math.Max(1, (long)(done * enough / time));
        }
        long instructions = 0, allocated = GC.GetAllocatedBytesForCurrentThread();
        double before = Now();
        for (long i = 0; i < runs; i++)
        {
            instructions += made.Run();
        }
        double seconds = Now() - before;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Nanoseconds.Add(seconds / runs / MicroCase.Operations * NanosecondsInSecond);
        AllocatedForMillion = instructions == 0 ? null : Math.Min(AllocatedForMillion ?? double.MaxValue, allocated * Million / instructions);
    }

    static double Now() => Environment.CpuUsage.TotalTime.TotalSeconds;
}
