using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    CoverageMap? coverage;
    ComparisonSink? compareLog;

    /// <summary>Where the code that runs is recorded, or null. Decoded code is dropped when recording begins or ends.</summary>
    /// <exception cref="ArgumentException">Another vCPU has the map, and the two do not have one <see cref="InstructionClock"/>: they might run at the same time.</exception>
    public CoverageMap? Coverage
    {
        get => coverage;
        set
        {
            if (value == coverage)
            {
                return;
            }
            if (value != null && !TakesTurnsWith(value.Cpus))
            {
                throw new ArgumentException("Another vCPU has the coverage map.", nameof(value));
            }
            _ = State;
            blocks.Clear();
            coverage?.Cpus.Remove(this);
            coverage = value;
            if (value != null)
            {
                value.Cpus.Add(this);
                state->CoverageBytes = value.Memory;
                state->CoverageTouched = value.Touched;
                BeginPath(value);
            }
        }
    }

    /// <summary>Where the operands of comparisons are recorded, or null. Decoded code is dropped when recording begins or ends.</summary>
    /// <exception cref="ArgumentException">Another vCPU has the log, and the two do not have one <see cref="InstructionClock"/>: they might run at the same time.</exception>
    public ComparisonSink? CompareLog
    {
        get => compareLog;
        set
        {
            if (value == compareLog)
            {
                return;
            }
            if (value != null && !TakesTurnsWith(value.Cpus))
            {
                throw new ArgumentException("Another vCPU has the log.", nameof(value));
            }
            _ = State;
            blocks.Clear();
            compareLog?.Cpus.Remove(this);
            compareLog = value;
            value?.Cpus.Add(this);
        }
    }

    /// <summary>
    /// Not 0: RDRAND and RDSEED give a sequence of numbers that begins here, the same in every run; it is part of the saved state. 0: random numbers of the host.
    /// </summary>
    public ulong RandomSeed { get => State->RandomState; set => State->RandomState = value; }

    /// <summary>Bytes of the instruction at RIP; 0 when there is none: the fetch faults.</summary>
    public int InstructionLength
    {
        get
        {
            CpuState* s = State;
            UpdateMode();
            Op* entry = blocks.Find(s->Mode | CpuMode.OneInstruction);
            s->Fault = FaultCode.None;
            s->FaultErrorCode = 0;
            return entry == null ? 0 : entry->Length;
        }
    }

    internal void BeginPath(CoverageMap map)
    {
        state->CoveragePrevious = 0;
        state->CoverageEpoch = map.Epoch;
    }

    /// <summary>vCPUs with one clock that follows their instructions run on one thread.</summary>
    bool TakesTurnsWith(List<Vcpu> others) => others.TrueForAll(other => counted != null && other.counted == counted);

    internal IEnumerable<ulong> CoveredBlocks(uint epoch) => blocks.Covered(epoch);
}
