using System.Runtime.InteropServices;

namespace FastVcpu;

/// <summary>How a run ended, with what belongs to the reason. The state of the vCPU is exact.</summary>
/// <remarks>A power of two in size: a copy then is one of vectors that do not overlap, and the next one need not wait for it.</remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public readonly record struct VcpuExit
{
    /// <summary>Why the run ended.</summary>
    public required ExitReason Reason { get; init; }

    /// <summary>Instructions that this run retired. A REP instruction counts once, when it is done; a fault retires nothing.</summary>
    public long InstructionsRetired { get; init; }

    /// <summary><see cref="ExitReason.Exception"/>: vector 0–31. <see cref="ExitReason.SoftwareInterrupt"/>: n. <see cref="ExitReason.Debug"/>: 1 or 3.</summary>
    public int Vector { get; init; }

    /// <summary>Error code of the exception, 0 where the exception has none; DR7 of <see cref="ExitReason.Debug"/>.</summary>
    public uint ErrorCode { get; init; }

    /// <summary>
    /// Linear address of a page fault (CR2) and of the instruction at which <see cref="ExitReason.Debug"/> stands; guest physical address of <see cref="ExitReason.Mmio"/> and of a fetch that ended in
    /// <see cref="ExitReason.InternalError"/>.
    /// </summary>
    public ulong Address { get; init; }

    /// <summary><see cref="ExitReason.Io"/>: port number.</summary>
    public ushort Port { get; init; }

    /// <summary>Bytes of one element of the I/O or MMIO access.</summary>
    public int Size { get; init; }

    /// <summary><see cref="ExitReason.Io"/>: elements of <see cref="Size"/> bytes; more than one for INS and OUTS only.</summary>
    public int Count { get; init; }

    /// <summary>The access is a write (OUT).</summary>
    public bool IsWrite { get; init; }

    /// <summary><see cref="ExitReason.Debug"/>: what the debugger is told.</summary>
    public DebugExit Debug => new(Vector, Address, Data, ErrorCode);

    /// <summary><see cref="ExitReason.SystemEvent"/>: what is asked for.</summary>
    public SystemEventType SystemEvent => (SystemEventType)Vector;

    /// <summary><see cref="ExitReason.ReadMsr"/> and <see cref="ExitReason.WriteMsr"/>: number of the register.</summary>
    public uint MsrIndex => ErrorCode;

    /// <summary>
    /// <see cref="ExitReason.Debug"/>: DR6. <see cref="ExitReason.WriteMsr"/>: the value. <see cref="ExitReason.Hypercall"/>: the number, RAX. <see cref="ExitReason.SystemEvent"/>: what the device adds.
    /// <see cref="ExitReason.FailEntry"/>: KVM's hardware entry failure reason.
    /// </summary>
    public ulong Data { get; init; }

    /// <summary>True for the exceptions that push an error code (SDM Vol. 3 6.13).</summary>
    public bool HasErrorCode => Reason == ExitReason.Exception && Vector is 8 or (>= 10 and <= 14) or 17 or 21;
}
