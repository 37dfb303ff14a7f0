using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The registers of a string instruction: where it stands, how far one run may go, and what is committed after it.</summary>
unsafe ref struct StringCursor
{
    /// <summary>Values of <see cref="Op.Scale"/>: the repeat prefix.</summary>
    const int NoRepeat = 0, RepeatWhileEqual = 1;

    const int RcxOffset = CpuState.GprOffset + 1 * 8, RsiOffset = CpuState.GprOffset + 6 * 8, RdiOffset = CpuState.GprOffset + 7 * 8;

    readonly CpuState* s;
    readonly Op* op;
    readonly uint size;
    readonly nint handler;
    bool hasBegun;

    public StringCursor(CpuState* state, Op* op, int size)
    {
        s = state;
        this.op = op;
        handler = (nint)op->Handler;
        this.size = (uint)size;
        Step = (s->SystemFlags & SystemFlagBits.Direction) != 0 ? -size : size;
    }

    /// <summary>Bytes from one element to the next: negative when DF is set.</summary>
    public readonly long Step { get; }

    /// <summary>The instruction has come to its end.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Linear address of the source element: DS:rSI or another segment.</summary>
    public readonly ulong Source
    {
        get
        {
            ulong offset = s->Rsi & op->Disp;
            return (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64
                ? offset + *(ulong*)((byte*)s + op->Segment)
                : op->Segment < CpuState.SegmentOffset ? (uint)offset : Segmentation.Linear(s, op, offset, size);
        }
    }

    /// <summary>Linear address of the destination element: ES:rDI.</summary>
    public readonly ulong Destination(bool write)
    {
        ulong offset = s->Rdi & op->Disp;
        return (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? offset : Segmentation.Linear(s, &s->Es, offset, size, write);
    }

    /// <summary>The same behind a source, which is read first: its fault comes before one of the destination's segment.</summary>
    public readonly ulong DestinationBehind(ulong source, bool write)
    {
        ulong destination = Destination(write);
        if (Segmentation.IsNowhere(destination) && !Segmentation.IsNowhere(source))
        {
            s->Fault = FaultCode.None;
            if (SlowPath.Read(s, op, source, size) != null)
            {
                Destination(write);
            }
        }
        return destination;
    }

    readonly bool IsRepeated => op->Scale != NoRepeat;

    /// <summary>REP or REPE, rather than REPNE.</summary>
    public readonly bool RepeatsWhileEqual => op->Scale == RepeatWhileEqual;

    /// <summary>
    /// True when there is an element to do. Between elements a pending request ends the loop without being done, and so does an element that has written over the instruction;
    /// RF then says that the instruction is under way (SDM Vol. 3 18.3.1.1).
    /// </summary>
    public bool Begin()
    {
        if (!IsRepeated)
        {
            IsDone = hasBegun;
            hasBegun = true;
            return !IsDone;
        }
        IsDone = (s->Rcx & op->Disp) == 0;
        if (!IsDone && hasBegun && ((s->Pending | s->EndsAfterElement) != 0 || (nint)op->Handler != handler))
        {
            s->SystemFlags |= SystemFlagBits.Resume;
            return false;
        }
        hasBegun = true;
        return !IsDone;
    }

    /// <summary>
    /// Elements that one run may do at the source: what is left, within one page, before the offset wraps or passes the segment's limit. Zero
    /// when not even one can be done directly.
    /// </summary>
    public readonly ulong SourceRun(ulong linear)
    {
        bool isUnlimited = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 || op->Segment < CpuState.SegmentOffset;
        return Run(linear, s->Rsi & op->Disp, isUnlimited ? ulong.MaxValue : ((SegmentCache*)((byte*)s + op->Segment))->ReadableBytes);
    }

    /// <summary>The same at the destination.</summary>
    public readonly ulong DestinationRun(ulong linear, bool write)
    {
        bool isUnlimited = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
        return Run(linear, s->Rdi & op->Disp, isUnlimited ? ulong.MaxValue : write ? s->Es.WritableBytes : s->Es.ReadableBytes);
    }

    /// <summary>Host address of a readable page's byte, or null: not without the full way.</summary>
    public readonly byte* DirectRead(ulong address)
    {
        byte* p = Tlb.Read<byte>(s, address);
        return p != null || !SlowPath.TryFillRead(s, address) ? p : Tlb.Read<byte>(s, address);
    }

    /// <summary>Host address of a writable page's byte, or null: not without the full way.</summary>
    public readonly byte* DirectWrite(ulong address)
    {
        byte* p = Tlb.Write<byte>(s, address);
        return p != null || !SlowPath.TryFillWrite(s, address) ? p : Tlb.Write<byte>(s, address);
    }

    /// <summary>Moves the index registers, and the counter of a repeated instruction, by the elements done.</summary>
    public readonly void Commit(ulong count, bool movesSource, bool movesDestination)
    {
        ulong distance = count * (ulong)Step;
        if (movesSource)
        {
            SetRegister(RsiOffset, s->Rsi + distance);
        }
        if (movesDestination)
        {
            SetRegister(RdiOffset, s->Rdi + distance);
        }
        if (IsRepeated)
        {
            SetRegister(RcxOffset, s->Rcx - count);
        }
    }

    /// <summary>
    /// An element faults; returns false. In real mode, the 80286 has moved by then the registers of the accesses that it began, and counted
    /// <paramref name="counted"/> elements; later processors have not.
    /// </summary>
    public readonly bool Abandon(bool movesSource, bool movesDestination, uint counted)
    {
        bool isException = s->Fault is > FaultCode.None and <= FaultCode.LastException;
        if ((s->Mode & CpuMode.Protected) == 0 && isException && !Vcpu.Of(s).Model.Has(CpuFeature.I386))
        {
            ulong left = s->Rcx - counted;
            Commit(1, movesSource, movesDestination);
            if (IsRepeated)
            {
                SetRegister(RcxOffset, left);
            }
        }
        return false;
    }

    /// <summary>REPE ends on a difference, REPNE on equality.</summary>
    public bool EndsOn(bool equal)
    {
        IsDone |= !IsRepeated || equal != RepeatsWhileEqual;
        return IsDone;
    }

    readonly ulong Run(ulong linear, ulong offset, ulong segmentBytes)
    {
        ulong inPage = linear & ~Tlb.PageMask;
        ulong room = MemoryBlock.PageSize - inPage;
        if (s->Fault != FaultCode.None || (s->Mode & CpuMode.AlignmentCheck) != 0 || room < size || offset >= segmentBytes)
        {
            return 0;
        }
        room = Step > 0 ? Math.Min(room - 1, Math.Min(op->Disp, segmentBytes - 1) - offset) + 1 : Math.Min(inPage, offset) + size;
        bool isOne = !IsRepeated || s->EndsAfterElement != 0;
        return Math.Min(isOne ? 1 : s->Rcx & op->Disp, room / size);
    }

    readonly void SetRegister(int offset, ulong value)
    {
        switch (op->Disp)
        {
            case ushort.MaxValue:
                Access.Set(s, offset, (ushort)value);
                break;
            case uint.MaxValue:
                Access.Set(s, offset, (uint)value);
                break;
            default:
                Access.Set(s, offset, value);
                break;
        }
    }
}
