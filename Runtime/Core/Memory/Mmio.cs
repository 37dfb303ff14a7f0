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

    /// <summary>More pieces than an instruction has: the largest reads and writes some hundred bytes.</summary>
    const int MostPieces = 4096;

    /// <summary>What has been answered: nearly always one access, so that only others take a list.</summary>
    readonly List<ulong> further = [];
    ulong first, data;
    int answered, replayed;

    /// <summary>Physical address of the access of the last exit.</summary>
    public ulong Address { get; private set; }

    public int Length { get; private set; }

    public bool IsWrite { get; private set; }

    /// <summary>An access waits to be served.</summary>
    public bool IsPending { get; private set; }

    /// <summary>True while an instruction is between two of its exits.</summary>
    public bool InProgress => answered > 0;

    /// <summary>What the guest writes, or where goes what it reads.</summary>
    public Span<byte> Data => MemoryMarshal.AsBytes(new Span<ulong>(ref data))[..Length];

    /// <summary>The access has been served.</summary>
    public void Complete()
    {
        if (answered++ == 0)
        {
            first = data;
        }
        else
        {
            further.Add(data);
        }
        IsPending = false;
        replayed = 0;
    }

    /// <summary>The instruction has retired, or is not to be continued.</summary>
    public void Forget()
    {
        if (answered > 1)
        {
            further.Clear();
        }
        answered = replayed = 0;
        IsPending = false;
    }

    /// <summary>Passes the accesses of the instruction through.</summary>
    public void Transfer(StateTransfer state)
    {
        Address = state.Value(Address);
        Length = state.Count(Length, (int)MaxPiece);
        IsWrite = state.Value(IsWrite);
        IsPending = state.Value(IsPending);
        state.Value(ref data);
        state.Value(ref first);
        state.Value(ref answered, 0, MostPieces);
        if (state.IsRestoring)
        {
            replayed = 0;
            further.Clear();
            further.AddRange(Enumerable.Repeat(0UL, Math.Max(0, answered - 1)));
        }
        state.Values(CollectionsMarshal.AsSpan(further));
    }

    /// <summary>Reads from a device. False: the reason to leave is recorded.</summary>
    public bool Read(CpuState* s, ulong physical, byte* destination, uint size)
    {
        for (uint at = 0; at < size; at += MaxPiece)
        {
            uint length = Math.Min(size - at, MaxPiece);
            if (replayed == answered)
            {
                Request(s, physical + at, length, isWrite: false, 0);
                return false;
            }
            ulong piece = replayed == 0 ? first : further[replayed - 1];
            replayed++;
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
            if (replayed == answered)
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
