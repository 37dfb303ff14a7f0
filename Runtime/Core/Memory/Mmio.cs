using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>
/// Accesses to addresses where no memory is. The instruction leaves with an exit and, when the embedder runs on, starts again; what it has
/// asked for already is answered from here, so that each access is seen once.
/// </summary>
sealed unsafe class Mmio
{
    const int MaxSize = 64;

    readonly List<(ulong Address, bool IsWrite, byte[] Data)> done = [];
    readonly byte[] data = new byte[MaxSize];
    int replayed;

    /// <summary>The access of the last exit.</summary>
    public ulong Address { get; private set; }

    public int Length { get; private set; }

    public bool IsWrite { get; private set; }

    /// <summary>An access waits for the embedder.</summary>
    public bool IsPending { get; private set; }

    /// <summary>What the guest writes, or where the embedder puts what it reads.</summary>
    public Span<byte> Data => data.AsSpan(0, Length);

    /// <summary>The embedder has run on: the access has been served.</summary>
    public void Complete()
    {
        done.Add((Address, IsWrite, Data.ToArray()));
        IsPending = false;
        replayed = 0;
    }

    /// <summary>The instruction has retired, or is not to be continued.</summary>
    public void Forget()
    {
        done.Clear();
        replayed = 0;
        IsPending = false;
    }

    /// <summary>True while an instruction is between two of its exits.</summary>
    public bool InProgress => done.Count > 0;

    public byte* Read(CpuState* s, ulong address, uint size)
    {
        byte* scratch = &s->FirstScratch;
        if (replayed < done.Count)
        {
            done[replayed++].Data.AsSpan(0, (int)size).CopyTo(new Span<byte>(scratch, (int)size));
            return scratch;
        }
        Request(s, address, size, isWrite: false);
        Data.Clear();
        return null;
    }

    /// <summary>Before a write: nothing is read from the device, the old bytes count as zero.</summary>
    public bool PrepareWrite(CpuState* s, ulong address, uint size, byte* scratch)
    {
        Unsafe.InitBlockUnaligned(scratch, 0, size);
        return true;
    }

    public bool Write(CpuState* s, ulong address, uint size, byte* source)
    {
        if (replayed < done.Count)
        {
            replayed++;
            return true;
        }
        Request(s, address, size, isWrite: true);
        new Span<byte>(source, (int)size).CopyTo(data);
        return false;
    }

    void Request(CpuState* s, ulong address, uint size, bool isWrite)
    {
        (Address, Length, IsWrite, IsPending) = (address, (int)size, isWrite, true);
        replayed = 0;
        s->Fault = FaultCode.Mmio;
    }
}
