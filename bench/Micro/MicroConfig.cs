using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace FastVcpu.Bench.Micro;

/// <summary>Short runs, with allocations, in this process: the guests are what is measured, and building the library anew for them takes minutes.</summary>
sealed class MicroConfig : ManualConfig
{
    const int WidestName = 40;

    public MicroConfig()
    {
        AddJob(Job.Default.WithWarmupCount(3).WithIterationCount(7).WithToolchain(InProcessEmitToolchain.Instance));
        WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(WidestName));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new AllocationColumn());
    }

    /// <summary>What the diagnoser counts is for one operation; a single allocation in a million instructions would be rounded away there.</summary>
    sealed class AllocationColumn : IColumn
    {
        const double Million = 1e6;

        public string Id => nameof(AllocationColumn);

        public string ColumnName => "B/million instr.";

        public string Legend => "Allocated bytes for a million guest instructions";

        public bool AlwaysShow => true;

        public ColumnCategory Category => ColumnCategory.Custom;

        public int PriorityInCategory => 0;

        public bool IsNumeric => true;

        public UnitType UnitType => UnitType.Dimensionless;

        public bool IsAvailable(Summary summary) => true;

        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
        {
            using MicroCase made = MicroCases.Make((string)benchmarkCase.Parameters[nameof(MicroBenchmark.Case)]);
            double instructions = made.Run();
            BenchmarkReport? report = summary[benchmarkCase];
            return report?.GcStats.GetTotalAllocatedBytes(excludeAllocationQuantumSideEffects: true) is { } bytes && instructions > 0
                ? (bytes * Million / (report.GcStats.TotalOperations / (double)MicroCase.Operations * instructions)).ToString("F1")
                : "-";
        }
    }
}
