namespace FastVcpu;

/// <summary>A comparison that ran, and what it compared.</summary>
/// <param name="Rip">Address of the instruction.</param>
/// <param name="Left">First operand.</param>
/// <param name="Right">Second operand.</param>
/// <param name="Size">Bytes of each: 1, 2, 4 or 8.</param>
/// <param name="IsImmediate">The second operand stands in the instruction.</param>
public readonly record struct Comparison(ulong Rip, ulong Left, ulong Right, int Size, bool IsImmediate);

/// <summary>
/// Receives the operands of the comparisons that a vCPU runs (<see cref="Vcpu.CompareLog"/>): CMP, SUB and TEST, CMPXCHG, and single or first elements of SCAS and CMPS. From them a fuzzer
/// learns which bytes of its input are compared with what. The last instructions of a run with a limit, which run one by one, are not in it.
/// </summary>
/// <remarks>It is called in the middle of the guest's code: it must not throw, nor run or change the vCPU.</remarks>
public abstract class ComparisonSink
{
    /// <summary>Whether <see cref="AddCall"/> is wanted, too. Asked when code is decoded.</summary>
    public virtual bool WantsCalls => false;

    /// <summary>The vCPUs that have this.</summary>
    internal List<Vcpu> Cpus { get; } = [];

    /// <summary>A comparison is about to run.</summary>
    /// <param name="comparison">What it compares.</param>
    public abstract void Add(in Comparison comparison);

    /// <summary>A near call of code of 32 or 64 bits is about to run. Whether its target compares what these point to, and takes arguments at all, nobody knows here.</summary>
    /// <param name="cpu">The vCPU, for what lies at these addresses.</param>
    /// <param name="rip">Address of the call.</param>
    /// <param name="first">Where C passes the first argument.</param>
    /// <param name="second">Where C passes the second argument.</param>
    public virtual void AddCall(Vcpu cpu, ulong rip, ulong first, ulong second)
    {
    }
}
