namespace FastVcpu.Cli;

/// <summary>Exit codes of the subcommands, for scripts. `run` hands on the guest's own.</summary>
static class ExitCode
{
    public const int Success = 0;
    /// <summary>The guest faulted, or a vector failed.</summary>
    public const int Failed = 1;
    /// <summary>A bad option, a missing or damaged file.</summary>
    public const int BadInput = 2;
    /// <summary>The instruction limit ended the run.</summary>
    public const int LimitReached = 3;
}
