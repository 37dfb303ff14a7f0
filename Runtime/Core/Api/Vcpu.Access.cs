using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>An access of the last exit waits for the next run; it has been served and the instruction is to be completed.</summary>
    bool accessIsPending, accessIsServed;

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

    /// <summary>The machine whose devices it reaches; null in user mode.</summary>
    internal VirtualMachine? Machine { get; }

    /// <summary>The elements of an INS or OUTS.</summary>
    internal byte[] PortBuffer { get; private set; } = [];

    /// <summary>An instruction has got what it left for and is to be done before anything else.</summary>
    bool IsCompleting => accessIsServed || Mmio.InProgress;

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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void BeginCompletion()
    {
        if (Mmio.IsPending)
        {
            Mmio.Complete();
        }
        accessIsServed |= accessIsPending;
        accessIsPending = false;
    }

    /// <summary>The instruction has had its chance to complete.</summary>
    void EndCompletion(bool progressed)
    {
        // INS into a device: what the port gave stays until the device has taken it.
        accessIsServed = state->ExitDataReady != 0 && state->Fault == FaultCode.Mmio;
        state->ExitDataReady = 0;
        // An exception ends the instruction, too: it begins from scratch, and what comes next is the handler.
        if (progressed || state->Fault is > FaultCode.None and <= FaultCode.LastException)
        {
            state->PendingDebug |= progressed ? ioHits : 0;
            ioHits = 0;
            Mmio.Forget();
        }
    }

    /// <summary>A port access: for a device, or the run ends (true).</summary>
    bool HandlePortAccess()
    {
        CpuState* s = state;
        ioHits = Debugging.MatchPort(s->ExitPort, s->ExitSize);
        bool isWrite = IoExit.IsWrite(s->ExitKind);
        if (Machine?.Ports.Find((ulong)s->ExitPort, out ulong offset) is { } device)
        {
            Span<byte> data = IoData;
            for (int at = 0; at < data.Length; at += s->ExitSize)
            {
                Serve(device, offset, data.Slice(at, s->ExitSize), isWrite);
            }
            accessIsServed = true;
            return false;
        }
        accessIsPending = true;
        exit = new VcpuExit { Reason = ExitReason.Io, Port = (ushort)s->ExitPort, Size = s->ExitSize, Count = s->ExitCount, IsWrite = isWrite };
        return true;
    }

    /// <summary>A memory access without memory: for a device, or the run ends (true).</summary>
    bool HandleMmio()
    {
        if (FindMemoryDevice(out ulong offset) is { } device)
        {
            Serve(device, offset, Mmio.Data, Mmio.IsWrite);
            Mmio.Complete();
            return false;
        }
        exit = new VcpuExit { Reason = ExitReason.Mmio, Address = Mmio.Address, Size = Mmio.Length, IsWrite = Mmio.IsWrite };
        return true;
    }

    /// <summary>The device at the address: the local APIC's page hides what others see there.</summary>
    IDevice? FindMemoryDevice(out ulong offset)
    {
        if (Apic is { } apic && apic.Claims(Mmio.Address))
        {
            offset = Mmio.Address & ~Tlb.PageMask;
            return apic;
        }
        offset = 0;
        return Machine?.MemoryDevices.Find(Mmio.Address, out offset);
    }

    static void Serve(IDevice device, ulong offset, Span<byte> data, bool isWrite)
    {
        if (isWrite)
        {
            device.Write(offset, data);
        }
        else
        {
            data.Clear();
            device.Read(offset, data);
        }
    }

    /// <summary>The embedder moves the instruction pointer: an unfinished access is dropped, and an exception that waits.</summary>
    internal void SetRip(ulong value)
    {
        if (value != State->Rip)
        {
            accessIsPending = accessIsServed = false;
            ioHits = 0;
            Mmio.Forget();
        }
        state->Rip = value;
        Queue.CancelException();
    }
}
