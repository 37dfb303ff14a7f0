using FastVcpu.Cli.Debugging;
using FastVcpu.Cli.Input;

namespace FastVcpu.Cli.Calling;

/// <summary>What `fastvcpu call` is to do.</summary>
/// <param name="Code">The flat binary.</param>
/// <param name="Base">Where it is loaded.</param>
/// <param name="Entry">Where the call goes.</param>
/// <param name="Maps">Zeroed memory for the guest.</param>
/// <param name="Arguments">Go into DI, SI, DX, CX, R8, R9 at the mode's width.</param>
/// <param name="Limit">Instructions that may retire.</param>
/// <param name="Model">CPU model.</param>
/// <param name="Gdb">Where gdb is waited for, or null.</param>
sealed record CallRequest(
    byte[] Code, ulong Base, ulong Entry, AddressRange[] Maps, ulong[] Arguments, long Limit, CpuModel Model, GdbPlace? Gdb = null)
{
    /// <summary>Where the binary lies.</summary>
    public AddressRange File => new(Base, (ulong)Code.Length, "the file");
}

/// <summary>How a call ended.</summary>
enum CallEnd
{
    Return,
    Limit,
    Fault,
}

/// <summary>What came of a call.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Result">AX at the mode's width.</param>
/// <param name="Instructions">Instructions that the guest retired, its return included.</param>
/// <param name="Time">Time inside the CPU.</param>
/// <param name="Fault">For people: what the fault was, with registers and disassembly.</param>
sealed record CallOutcome(CallEnd End, ulong Result, long Instructions, TimeSpan Time, string? Fault);
