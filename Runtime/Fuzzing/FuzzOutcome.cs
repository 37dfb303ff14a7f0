namespace FastVcpu.Fuzzing;

/// <summary>What became of an input.</summary>
public enum FuzzOutcome
{
    /// <summary>The target came to its end.</summary>
    Done,
    /// <summary>It ended in another way: an exception, mostly.</summary>
    Crash,
    /// <summary>It ran into the instruction limit.</summary>
    Hang,
}

/// <summary>One run of a target.</summary>
public readonly record struct FuzzResult
{
    const int PageFault = 14;
    const uint Write = 2, Fetch = 16;

    /// <summary>What became of the input.</summary>
    public required FuzzOutcome Outcome { get; init; }

    /// <summary>The kind of end, if the exit does not say it: a signal, mostly.</summary>
    public string? Name { get; init; }

    /// <summary>How the CPU stopped.</summary>
    public required VcpuExit Exit { get; init; }

    /// <summary>Where it stopped.</summary>
    public required ulong Rip { get; init; }

    /// <summary>Where that is, for <see cref="Bucket"/>: the address, or the name that <see cref="Harness.Locate"/> gives it, or where it came from, after <see cref="Harness.RunAndLocate"/>.</summary>
    public required string Place { get; init; }

    /// <summary>Where the flow left the code, if it stopped at an address without code and that has been looked for (<see cref="Harness.RunAndLocate"/>).</summary>
    public ulong? JumpedFrom { get; init; }

    /// <summary>It stopped because there is no code where the flow went.</summary>
    public bool IsWild => Outcome == FuzzOutcome.Crash && ((Exit.Reason == ExitReason.Exception && Exit.Vector == PageFault && (Exit.ErrorCode & Fetch) != 0)
        || Exit.Reason == ExitReason.InternalError);

    /// <summary>Instructions retired.</summary>
    public required long Instructions { get; init; }

    /// <summary>
    /// Names a crash or hang by what is the same on every host and in every run: the kind of exit, the place, and for a page fault the kind of access. Empty for
    /// <see cref="FuzzOutcome.Done"/>.
    /// </summary>
    public string Bucket => Outcome switch
    {
        FuzzOutcome.Done => "",
        FuzzOutcome.Hang => Name ?? "hang",
        _ when Name != null => Exit.Reason == ExitReason.Exception ? $"{Name}-exception-{Exit.Vector}{Access}-{Place}" : $"{Name}-{Place}",
        _ => Exit.Reason == ExitReason.Exception ? $"exception-{Exit.Vector}{Access}-{Place}" : $"{Exit.Reason}-{Place}".ToLowerInvariant(),
    };

    string Access
    {
        get
        {
            return Exit.Vector != PageFault ? "" : (Exit.ErrorCode & Fetch) != 0 ? "-fetch" : (Exit.ErrorCode & Write) != 0 ? "-write" : "-read";
        }
    }
}
