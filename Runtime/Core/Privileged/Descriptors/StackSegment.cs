using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Descriptors;

/// <summary>Checks of SS.</summary>
static unsafe class StackSegment
{
    /// <summary>
    /// Checks a selector for the stack segment of privilege level <paramref name="cpl"/> and reads its descriptor. What is wrong with it is exception
    /// <paramref name="vector"/>; a segment that is not present is #SS.
    /// </summary>
    public static bool TryRead(CpuState* s, ushort selector, int cpl, bool is64, int vector, out SegmentCache segment)
    {
        segment = default;
        uint error = DescriptorTable.ErrorCode(selector);
        if (DescriptorTable.IsNull(selector))
        {
            // 64-bit code needs no stack segment, except at CPL 3.
            if (is64 && cpl != 3 && (selector & 3) == cpl)
            {
                segment = Null(cpl);
                return true;
            }
            Raise.Exception(s, vector, 0);
            return false;
        }
        if (!DescriptorTable.TryRead(s, selector, vector, out Descriptor descriptor))
        {
            return false;
        }
        if ((selector & 3) != cpl || !descriptor.IsWritableData || descriptor.Dpl != cpl)
        {
            Raise.Exception(s, vector, error);
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.StackFault(s, error);
            return false;
        }
        return DataSegment.TrySetAccessed(s, selector, descriptor, out segment);
    }

    /// <summary>The null stack segment of 64-bit code; its DPL tells the privilege level.</summary>
    public static SegmentCache Null(int cpl)
    {
        SegmentCache segment = default;
        segment.Selector = (ushort)cpl;
        segment.Attributes = (ushort)(cpl << Segmentation.DplShift);
        return segment;
    }
}
