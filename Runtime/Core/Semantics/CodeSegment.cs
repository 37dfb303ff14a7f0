using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Loads of CS by far transfers that keep the privilege level (SDM Vol. 2, JMP and RET).</summary>
static unsafe class CodeSegment
{
    /// <summary>Loads CS and RIP. False: a fault is recorded and nothing has changed.</summary>
    public static bool TryEnter(CpuState* s, ushort selector, ulong offset, bool isReturn)
    {
        SegmentCache segment;
        if (!TryCheck(s, selector, offset, isReturn, &segment))
        {
            return false;
        }
        s->Cs = segment;
        s->Rip = offset;
        Vcpu.Of(s).UpdateMode();
        return true;
    }

    /// <summary>Checks without loading.</summary>
    public static bool CanEnter(CpuState* s, ushort selector, ulong offset, bool isReturn)
    {
        SegmentCache segment;
        return TryCheck(s, selector, offset, isReturn, &segment);
    }

    static bool TryCheck(CpuState* s, ushort selector, ulong offset, bool isReturn, SegmentCache* segment)
    {
        *segment = s->Cs;
        if ((s->Mode & CpuMode.Protected) == 0 || (s->Mode & CpuMode.Virtual8086) != 0)
        {
            Segmentation.SetReal(segment, selector);
        }
        else if (!TryReadDescriptor(s, selector, isReturn, segment))
        {
            return false;
        }
        bool is64 = (s->Efer & Efer.LongModeActive) != 0 && (segment->Attributes & Segmentation.LongMode) != 0;
        if (is64 ? !SlowPath.IsCanonical(s, offset) : offset > segment->Limit)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        return true;
    }

    static bool TryReadDescriptor(CpuState* s, ushort selector, bool isReturn, SegmentCache* segment)
    {
        uint error = (uint)selector & ~3u;
        int cpl = CpuMode.Cpl(s->Mode), rpl = selector & 3;
        if (error == 0 || !Vcpu.Of(s).TryReadDescriptor(selector, out ulong descriptor))
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        Segmentation.SetFromDescriptor(segment, (ushort)(error | (uint)cpl), descriptor);
        int attributes = segment->Attributes, dpl = attributes >> Segmentation.DplShift & 3;
        const int CodeType = Segmentation.CodeOrData | Segmentation.Code;
        bool isConforming = (attributes & Segmentation.ExpandDownOrConforming) != 0;
        bool isAllowed = (attributes & CodeType) == CodeType
            && (isConforming ? dpl <= cpl : dpl == cpl)
            && (isReturn ? rpl == cpl : isConforming || rpl <= cpl)
            && ((s->Efer & Efer.LongModeActive) == 0
                || (attributes & (Segmentation.LongMode | Segmentation.DefaultBig)) != (Segmentation.LongMode | Segmentation.DefaultBig));
        if (!isAllowed)
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        if ((attributes & Segmentation.Present) == 0)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, error);
            return false;
        }
        return true;
    }
}
