namespace FastVcpu.Tests.Harness;

/// <summary>What a program did.</summary>
sealed record GuestResult(int ExitCode, string Output, string Error)
{
    /// <summary>Crashes of guest processes.</summary>
    public IReadOnlyList<GuestCrash> Crashes { get; init; } = [];

    /// <summary>The system calls, one line each, when they were asked for.</summary>
    public string Trace { get; init; } = "";
}
