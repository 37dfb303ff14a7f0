using System.Runtime.CompilerServices;

namespace FastVcpu;

/// <summary>
/// A clock that follows the instructions that retire, so that a run always goes the same way: a timer elapses in front of one certain instruction. All
/// vCPUs with it run on one thread. While all of them wait in HLT it skips to the next deadline.
/// </summary>
public sealed class InstructionClock : Clock
{
    long now;

    /// <summary>Creates a clock that stands at zero.</summary>
    /// <param name="nanosecondsPerInstruction">What an instruction takes.</param>
    public InstructionClock(int nanosecondsPerInstruction = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(nanosecondsPerInstruction);
        NanosecondsPerInstruction = nanosecondsPerInstruction;
    }

    /// <summary>What an instruction takes.</summary>
    public int NanosecondsPerInstruction { get; }

    /// <inheritdoc/>
    public override long Now => Volatile.Read(ref now);

    internal override long ShortestPeriod => NanosecondsPerInstruction;

    /// <summary>How many instructions may retire before a timer is due; at least one.</summary>
    internal long InstructionsUntilDeadline
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => NextDeadline == Never || IsPaused ? long.MaxValue : Math.Max(1, (NextDeadline - now + NanosecondsPerInstruction - 1) / NanosecondsPerInstruction);
    }

    /// <summary>A timer's deadline has come.</summary>
    internal bool IsDue => NextDeadline <= now;

    /// <summary>Instructions have retired.</summary>
    internal void Advance(long instructions)
    {
        if (!IsPaused)
        {
            Volatile.Write(ref now, now + instructions * NanosecondsPerInstruction);
        }
    }

    /// <summary>Nobody has anything to do before the next deadline. False: there is none.</summary>
    internal bool TrySkip()
    {
        if (NextDeadline == Never || IsPaused)
        {
            return false;
        }
        Volatile.Write(ref now, Math.Max(now, NextDeadline));
        return true;
    }

    private protected override void Change(bool isPaused, long? time)
    {
        Volatile.Write(ref now, time ?? now);
        IsPaused = isPaused;
    }
}
