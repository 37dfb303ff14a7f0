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
    /// <exception cref="ArgumentException">Another vCPU has the map.</exception>
    public CoverageMap? Coverage
    {
        get => coverage;
        set
        {
            if (value == coverage)
            {
                return;
            }
            if (value is { Cpu: not null })
            {
                throw new ArgumentException("Another vCPU has the coverage map.", nameof(value));
            }
            _ = State;
            blocks.Clear();
            if (coverage != null)
            {
                coverage.Cpu = null;
            }
            coverage = value;
            if (value != null)
            {
                value.Cpu = this;
                state->CoverageBytes = value.Memory;
                state->CoverageTouched = value.Touched;
                BeginPath(value);
            }
        }
    }

    /// <summary>Where the operands of comparisons are recorded, or null. Decoded code is dropped when recording begins or ends.</summary>
    /// <exception cref="ArgumentException">Another vCPU has the log.</exception>
    public ComparisonSink? CompareLog
    {
        get => compareLog;
        set
        {
            if (value == compareLog)
            {
                return;
            }
            if (value is { Cpu: not null })
            {
                throw new ArgumentException("Another vCPU has the log.", nameof(value));
            }
            _ = State;
            blocks.Clear();
            if (compareLog != null)
            {
                compareLog.Cpu = null;
            }
            compareLog = value;
            if (value != null)
            {
                value.Cpu = this;
            }
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

    internal IEnumerable<ulong> CoveredBlocks(uint epoch) => blocks.Covered(epoch);
}
