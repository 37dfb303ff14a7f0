using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>
/// Accesses to physical addresses where no memory is. The instruction leaves with an exit and, when that has been served, starts again;
/// what it has asked for already is answered from here, so that each access is seen once.
/// </summary>
sealed unsafe class Mmio
{
    /// <summary>The most bytes of one exit; larger operands take several.</summary>
    const uint MaxPiece = 8;

    readonly List<ulong> done = [];
    ulong data;
    int replayed;

    /// <summary>Physical address of the access of the last exit.</summary>
    public ulong Address { get; private set; }

    public int Length { get; private set; }

    public bool IsWrite { get; private set; }

    /// <summary>An access waits to be served.</summary>
    public bool IsPending { get; private set; }

    /// <summary>True while an instruction is between two of its exits.</summary>
    public bool InProgress => done.Count > 0;

    /// <summary>What the guest writes, or where goes what it reads.</summary>
    public Span<byte> Data => MemoryMarshal.AsBytes(new Span<ulong>(ref data))[..Length];

    /// <summary>The access has been served.</summary>
    public void Complete()
    {
        done.Add(data);
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

    /// <summary>Reads from a device. False: the reason to leave is recorded.</summary>
    public bool Read(CpuState* s, ulong physical, byte* destination, uint size)
    {
        for (uint at = 0; at < size; at += MaxPiece)
        {
            uint length = Math.Min(size - at, MaxPiece);
            if (replayed == done.Count)
            {
                Request(s, physical + at, length, isWrite: false, 0);
                return false;
            }
            ulong piece = done[replayed++];
            Unsafe.CopyBlockUnaligned(destination + at, &piece, length);
        }
        return true;
    }

    /// <summary>Writes to a device. False: the reason to leave is recorded.</summary>
    public bool Write(CpuState* s, ulong physical, byte* source, uint size)
    {
        for (uint at = 0; at < size; at += MaxPiece)
        {
            uint length = Math.Min(size - at, MaxPiece);
            if (replayed == done.Count)
            {
                ulong piece = 0;
                Unsafe.CopyBlockUnaligned(&piece, source + at, length);
                Request(s, physical + at, length, isWrite: true, piece);
                return false;
            }
            replayed++;
        }
        return true;
    }

    void Request(CpuState* s, ulong physical, uint length, bool isWrite, ulong value)
    {
        (Address, Length, IsWrite, IsPending, data) = (physical, (int)length, isWrite, true, value);
        replayed = 0;
        s->Fault = FaultCode.Mmio;
    }
}
