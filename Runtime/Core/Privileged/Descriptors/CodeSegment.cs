using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Descriptors;

/// <summary>Checks and loads of CS.</summary>
static unsafe class CodeSegment
{
    /// <summary>
    /// Checks the target of a transfer that keeps the privilege level, by a jump, a call or a gate of the same level. Gates do not look at the
    /// selector's RPL. False: a fault is recorded.
    /// </summary>
    public static bool TryCheckSameLevel(CpuState* s, ushort selector, in Descriptor descriptor, bool checksRpl)
    {
        bool isAllowed = descriptor.IsConforming ? descriptor.Dpl <= s->Cpl : descriptor.Dpl == s->Cpl && (!checksRpl || (selector & 3) <= s->Cpl);
        return TryCheckCode(s, selector, descriptor, isAllowed);
    }

    /// <summary>A code segment that is present and of a valid size, else #GP or #NP with the selector.</summary>
    /// <param name="s">The state.</param>
    /// <param name="selector">The selector.</param>
    /// <param name="descriptor">Its descriptor.</param>
    /// <param name="isAllowed">The rules of the transfer are met.</param>
    public static bool TryCheckCode(CpuState* s, ushort selector, in Descriptor descriptor, bool isAllowed)
    {
        // In long mode L and D may not both be set.
        const int Both = Segmentation.LongMode | Segmentation.DefaultBig;
        bool isSizeValid = !ProtectionMode.IsLong(s) || (descriptor.Attributes & Both) != Both;
        if (!descriptor.IsCode || !isAllowed || !isSizeValid)
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(selector));
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return true;
    }

    /// <summary>Whether the descriptor makes 64-bit code.</summary>
    public static bool Is64(CpuState* s, in Descriptor descriptor) => ProtectionMode.IsLong(s) && descriptor.Is64BitCode;

    /// <summary>The target lies within the limit, or is canonical; else #GP(0).</summary>
    public static bool TryCheckTarget(CpuState* s, in Descriptor descriptor, ulong offset)
    {
        if (Is64(s, descriptor) ? SlowPath.IsCanonical(s, offset) : offset <= descriptor.Limit)
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    /// <summary>Loads CS with a checked descriptor; the RPL becomes the privilege level. False: a page fault is recorded.</summary>
    public static bool TryLoad(CpuState* s, ushort selector, in Descriptor descriptor, int cpl, ulong offset)
    {
        if (!DataSegment.TrySetAccessed(s, (ushort)(selector & ~3 | cpl), descriptor, out SegmentCache segment))
        {
            return false;
        }
        s->Cs = segment;
        s->Cpl = cpl;
        s->Rip = offset;
        return true;
    }
}
