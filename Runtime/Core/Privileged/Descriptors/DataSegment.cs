using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Descriptors;

/// <summary>Loads of ES, SS, DS, FS and GS.</summary>
static unsafe class DataSegment
{
    /// <summary>
    /// Loads a segment register as MOV, POP and LxS do (SDM Vol. 2, MOV). False: a fault is recorded and nothing has changed. The mode word is brought up
    /// to date; the caller ends its block.
    /// </summary>
    public static bool TryLoad(CpuState* s, int index, ushort selector)
    {
        if (!ProtectionMode.IsProtected(s))
        {
            Segmentation.SetReal(s, index, selector);
        }
        else if (index == Segmentation.Ss)
        {
            if (!StackSegment.TryRead(s, selector, s->Cpl, ProtectionMode.Is64BitCode(s), FaultCode.GeneralProtection, out SegmentCache stack))
            {
                return false;
            }
            s->Ss = stack;
        }
        else
        {
            if (!TryRead(s, selector, s->Cpl, FaultCode.GeneralProtection, out SegmentCache segment))
            {
                return false;
            }
            *Segmentation.Register(s, index) = segment;
        }
        Vcpu.Of(s).UpdateMode();
        return true;
    }

    /// <summary>Checks a selector for ES, DS, FS or GS and reads its descriptor; what is wrong with it is exception <paramref name="vector"/>, or #NP.</summary>
    public static bool TryRead(CpuState* s, ushort selector, int cpl, int vector, out SegmentCache segment)
    {
        segment = default;
        segment.Selector = selector;
        if (DescriptorTable.IsNull(selector))
        {
            return true;
        }
        if (!DescriptorTable.TryRead(s, selector, vector, out Descriptor descriptor))
        {
            return false;
        }
        bool isAccessible = descriptor.IsConforming || Math.Max(selector & 3, cpl) <= descriptor.Dpl;
        if (!descriptor.IsReadable || !isAccessible)
        {
            Raise.Exception(s, vector, DescriptorTable.ErrorCode(selector));
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return TrySetAccessed(s, selector, descriptor, out segment);
    }

    /// <summary>Marks the descriptor and makes the hidden part of it. False: a page fault is recorded.</summary>
    public static bool TrySetAccessed(CpuState* s, ushort selector, in Descriptor descriptor, out SegmentCache segment)
    {
        segment = descriptor.ToCache(selector);
        segment.Attributes |= Segmentation.Accessed;
        return DescriptorTable.TrySetAccessed(s, selector, descriptor);
    }

    /// <summary>After a change to less privilege: registers that this level may not use become null (SDM Vol. 3 5.8.6).</summary>
    public static void DropPrivileged(CpuState* s, int cpl)
    {
        ReadOnlySpan<int> registers = [Segmentation.Es, Segmentation.Ds, Segmentation.Fs, Segmentation.Gs];
        foreach (int index in registers)
        {
            SegmentCache* segment = Segmentation.Register(s, index);
            int attributes = segment->Attributes;
            const int ConformingCode = Segmentation.Code | Segmentation.ExpandDownOrConforming;
            bool isLoaded = (attributes & Segmentation.CodeOrData) != 0;
            if (isLoaded && (attributes >> Segmentation.DplShift & 3) < cpl && (attributes & ConformingCode) != ConformingCode)
            {
                // The base stays: 64-bit code goes on to use that of FS and GS.
                Segmentation.Set(segment, 0, segment->Base, 0, 0);
            }
        }
    }
}
