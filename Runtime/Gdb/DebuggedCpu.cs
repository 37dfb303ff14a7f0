namespace FastVcpu.Gdb;

/// <summary>How a vCPU goes on when the debugger lets the guest run.</summary>
enum Resumption
{
    /// <summary>It waits.</summary>
    Stay,
    /// <summary>Until something stops it.</summary>
    Continue,
    /// <summary>By one instruction, or, with a range, until it leaves the range.</summary>
    Step,
}

/// <summary>A vCPU under the debugger: a thread for gdb.</summary>
/// <param name="cpu">The vCPU.</param>
/// <param name="id">gdb's thread number, from 1.</param>
sealed class DebuggedCpu(Vcpu cpu, int id)
{
    public Vcpu Cpu => cpu;

    public int Id => id;

    /// <summary>What the client has asked for last.</summary>
    public Resumption Resumption { get; set; }

    /// <summary>The addresses that a step stays in; empty for a step of one instruction.</summary>
    public (ulong Start, ulong End) Range { get; set; }

    /// <summary>It is inside of Run, so that its registers are not to be looked at.</summary>
    public bool IsRunning { get; set; }

    /// <summary>The breakpoint at its instruction pointer that it first steps over.</summary>
    public ulong? SteppedOver { get; set; }

    /// <summary>The signal that the client gives to the guest, in gdb's numbers; 0: none.</summary>
    public int Signal { get; set; }

    /// <summary>It waits for the debugger; otherwise it is running, or its thread serves an exit.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>Why it has stopped, until the client has been told.</summary>
    public StopReason? Unreported { get; set; }

    /// <summary>True when the address is one that the present step does not stop at.</summary>
    public bool StaysInRange(ulong pc) => pc >= Range.Start && pc < Range.End;
}
