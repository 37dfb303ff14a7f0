using System.Runtime.InteropServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>An access of the last exit waits for the next run; it has been served and the instruction is to be completed.</summary>
    bool ioIsPending, ioIsServed;

    /// <summary>I/O breakpoints that the access has touched.</summary>
    uint ioHits;

    /// <summary>Port I/O: what the guest writes, or where the embedder puts what it reads, before the next run: <see cref="VcpuExit.Count"/> elements.</summary>
    public Span<byte> IoData
    {
        get
        {
            int bytes = Math.Max(0, State->ExitSize) * state->ExitCount;
            return IoExit.IsString(state->ExitKind) ? PortBuffer.AsSpan(0, bytes) : MemoryMarshal.AsBytes(new Span<ulong>(ref state->ExitData))[..bytes];
        }
    }

    /// <summary>MMIO: what the guest writes, or where the embedder puts what it reads, before the next run.</summary>
    public Span<byte> MmioData => Mmio.Data;

    /// <summary>
    /// <see cref="ExitReason.ReadMsr"/>: the value that the guest gets, to be set before the next run. <see cref="MsrFails"/>: it gets #GP(0) instead, for
    /// <see cref="ExitReason.WriteMsr"/> too.
    /// </summary>
    public ulong MsrData { get; set; }

    /// <inheritdoc cref="MsrData"/>
    public bool MsrFails { get; set; }

    /// <summary><see cref="ExitReason.Hypercall"/>: what the guest gets in RAX, to be set before the next run.</summary>
    public ulong HypercallResult { get; set; }

    /// <summary>The elements of an INS or OUTS.</summary>
    internal byte[] PortBuffer { get; private set; } = [];

    /// <summary>An instruction has got what it left for and is to be done before anything else.</summary>
    bool IsCompleting => ioIsServed || Mmio.InProgress;

    /// <summary>Room for the elements of an INS or OUTS.</summary>
    internal Span<byte> BeginPortString()
    {
        if (PortBuffer.Length == 0)
        {
            PortBuffer = new byte[IoExit.MaxStringBytes];
        }
        return PortBuffer;
    }

    /// <summary>The embedder runs on: what the last exit asked for has been served.</summary>
    void BeginCompletion()
    {
        if (Mmio.IsPending)
        {
            Mmio.Complete();
        }
        ioIsServed |= ioIsPending;
        ioIsPending = false;
    }

    /// <summary>The instruction has had its chance to complete.</summary>
    void EndCompletion(bool progressed)
    {
        // INS into a device: what the port gave stays until the device has taken it.
        ioIsServed = state->ExitDataReady != 0 && state->Fault == FaultCode.Mmio;
        state->ExitDataReady = 0;
        if (progressed)
        {
            state->PendingDebug |= ioHits;
            ioHits = 0;
            Mmio.Forget();
        }
    }

    bool HandlePortAccess()
    {
        CpuState* s = state;
        ioHits = Debugging.MatchPort(s->ExitPort, s->ExitSize);
        ioIsPending = true;
        exit = new VcpuExit
        {
            Reason = ExitReason.Io,
            Port = (ushort)s->ExitPort,
            Size = s->ExitSize,
            Count = s->ExitCount,
            IsWrite = IoExit.IsWrite(s->ExitKind),
        };
        return true;
    }

    bool HandleMmio()
    {
        exit = new VcpuExit { Reason = ExitReason.Mmio, Address = Mmio.Address, Size = Mmio.Length, IsWrite = Mmio.IsWrite };
        return true;
    }

    /// <summary>The embedder moves the instruction pointer: an unfinished access is dropped, and an exception that waits.</summary>
    internal void SetRip(ulong value)
    {
        if (value != State->Rip)
        {
            ioIsPending = ioIsServed = false;
            ioHits = 0;
            Mmio.Forget();
        }
        state->Rip = value;
        Queue.CancelException();
    }
}
