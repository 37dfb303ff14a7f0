using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>A stack that a transfer pushes to or pops from. The registers change when it is committed.</summary>
unsafe struct TransferStack
{
    readonly CpuState* s;
    readonly TlbSet set;
    readonly uint error;
    readonly bool checksAlignment;

    /// <summary>The stack segment.</summary>
    public SegmentCache Segment;

    /// <summary>The stack pointer, not truncated.</summary>
    public ulong Pointer;

    /// <summary>The stack is addressed with 64 bits and without a segment.</summary>
    readonly bool is64;

    /// <summary>The watchpoints that the accesses have touched.</summary>
    uint hits;

    TransferStack(CpuState* state, SegmentCache segment, ulong pointer, bool is64, TlbSet set, uint error)
    {
        s = state;
        Segment = segment;
        Pointer = pointer;
        this.is64 = is64;
        this.set = set;
        this.error = error;
        checksAlignment = set == TlbSet.User && (s->Cr0 & Cr0.AlignmentMask) != 0 && (s->SystemFlags & SystemFlagBits.AlignmentCheck) != 0;
    }

    /// <summary>The stack in use.</summary>
    public static TransferStack Current(CpuState* s) => CurrentFor(s, ProtectionMode.Is64BitCode(s));

    /// <summary>The stack in use, as the code that is entered will address it.</summary>
    public static TransferStack CurrentFor(CpuState* s, bool is64) => new(s, s->Ss, s->Rsp, is64, Tlb.SetFor(s, s->Cpl), 0);

    /// <summary>Another stack, of privilege level <paramref name="cpl"/>; an access beyond its limit is #SS(<paramref name="error"/>).</summary>
    public static TransferStack Switched(CpuState* s, SegmentCache segment, ulong pointer, int cpl, bool is64, uint error) =>
        new(s, segment, pointer, is64, Tlb.SetFor(s, cpl), error);

    /// <summary>Writes a value of 2, 4 or 8 bytes. False: a fault is recorded.</summary>
    public bool TryPush(ulong value, int size)
    {
        ulong pointer = Pointer - (ulong)size;
        if (!TryLocate(pointer, size, write: true, out ulong linear))
        {
            return false;
        }
        bool done = size switch
        {
            2 => ImplicitAccess.TryWrite(s, linear, (ushort)value, set),
            4 => ImplicitAccess.TryWrite(s, linear, (uint)value, set),
            _ => ImplicitAccess.TryWrite(s, linear, value, set),
        };
        if (done)
        {
            Pointer = Merge(pointer);
            NoteWatched(linear, size, isWrite: true);
        }
        return done;
    }

    /// <summary>A value of 2, 4 or 8 bytes could be pushed. False: a fault is recorded.</summary>
    public readonly bool CanPush(int size) => TryLocate(Pointer - (ulong)size, size, write: true, out ulong linear) && ImplicitAccess.CanWrite(s, linear, (uint)size, set);

    /// <summary>Reads a value of 2, 4 or 8 bytes. False: a fault is recorded.</summary>
    public bool TryPop(int size, out ulong value)
    {
        value = 0;
        if (!TryLocate(Pointer, size, write: false, out ulong linear) || !TryRead(linear, size, out value))
        {
            return false;
        }
        Pointer = Merge(Pointer + (ulong)size);
        NoteWatched(linear, size, isWrite: false);
        return true;
    }

    /// <summary>Pops a selector from a slot of <paramref name="size"/> bytes.</summary>
    public bool TryPopSelector(int size, out ushort selector)
    {
        bool done = TryPop(size, out ulong value);
        selector = (ushort)value;
        return done;
    }

    /// <summary>Moves the pointer without an access.</summary>
    public void Skip(ulong bytes) => Pointer = Merge(Pointer + bytes);

    /// <summary>Makes it the stack in use.</summary>
    public readonly void Commit()
    {
        s->PendingDebug |= hits;
        s->Ss = Segment;
        if (is64)
        {
            s->Rsp = Pointer;
        }
        else if ((Segment.Attributes & Segmentation.DefaultBig) != 0)
        {
            s->Rsp = (uint)Pointer;
        }
        else
        {
            *(ushort*)&s->Rsp = (ushort)Pointer;
        }
    }

    void NoteWatched(ulong linear, int size, bool isWrite)
    {
        if (s->WatchedKinds != 0)
        {
            hits |= Vcpu.Of(s).Debugging.MatchData(linear, (uint)size, isWrite);
        }
    }

    readonly bool TryRead(ulong linear, int size, out ulong value)
    {
        bool done;
        switch (size)
        {
            case 2:
                done = ImplicitAccess.TryRead(s, linear, out ushort word, set);
                value = word;
                return done;
            case 4:
                done = ImplicitAccess.TryRead(s, linear, out uint doubleword, set);
                value = doubleword;
                return done;
            default:
                return ImplicitAccess.TryRead(s, linear, out value, set);
        }
    }

    /// <summary>A pointer with the bits that the stack's size leaves alone.</summary>
    readonly ulong Merge(ulong pointer) =>
        is64 ? pointer
        : (Segment.Attributes & Segmentation.DefaultBig) != 0 ? (uint)pointer
        : Pointer & ~0xFFFFUL | (ushort)pointer;

    readonly bool TryLocate(ulong pointer, int size, bool write, out ulong linear)
    {
        pointer = Merge(pointer);
        bool isInside;
        if (is64)
        {
            linear = pointer;
            isInside = SlowPath.IsCanonical(s, pointer) && SlowPath.IsCanonical(s, pointer + (ulong)size - 1);
        }
        else
        {
            ulong offset = (Segment.Attributes & Segmentation.DefaultBig) != 0 ? pointer : (ushort)pointer;
            SegmentCache segment = Segment;
            isInside = Segmentation.TryLinear(&segment, offset, (uint)size, write, out linear);
        }
        if (!isInside)
        {
            Segmentation.RaiseStackFault(s, error);
            return false;
        }
        if (checksAlignment && (linear & (ulong)(size - 1)) != 0)
        {
            Raise.Exception(s, FaultCode.AlignmentCheck, 0);
            return false;
        }
        return true;
    }
}
