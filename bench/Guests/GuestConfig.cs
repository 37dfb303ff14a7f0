using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Guests;

/// <summary>One warm-up and five runs of each program, with a column of million retired instructions a second.</summary>
sealed class GuestConfig : ManualConfig
{
    public GuestConfig()
    {
        AddJob(Job.Default.WithWarmupCount(1).WithIterationCount(5).WithInvocationCount(1).WithUnrollFactor(1));
        AddColumn(new MipsColumn());
    }

    sealed class MipsColumn : NumberColumn
    {
        public override string ColumnName => "MIPS";

        public override string Legend => "Million retired instructions a second";

        public override string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
        {
            GuestProgram program = (GuestProgram)benchmarkCase.Parameters[nameof(GuestBenchmark.Program)];
            double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Median;
            return nanoseconds is > 0 ? (program.Instructions * 1000.0 / nanoseconds.Value).ToString("F0") : "-";
        }
    }
}
