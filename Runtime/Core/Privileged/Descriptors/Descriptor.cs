using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Descriptors;

/// <summary>A segment descriptor or gate (SDM Vol. 3 3.4.5, 5.8.3, 6.11).</summary>
/// <param name="Low">The first eight bytes.</param>
/// <param name="High">The next eight of a system descriptor in long mode, otherwise zero.</param>
readonly unsafe record struct Descriptor(ulong Low, ulong High = 0)
{
    /// <summary>Bits 40–55 without the limit, as in <see cref="SegmentCache.Attributes"/>.</summary>
    public int Attributes => (int)(Low >> 40) & 0xF0FF;

    public int Type => Attributes & Segmentation.TypeMask;

    public int Dpl => Attributes >> Segmentation.DplShift & 3;

    public bool IsPresent => (Attributes & Segmentation.Present) != 0;

    public bool IsSystem => (Attributes & Segmentation.CodeOrData) == 0;

    public bool IsCode => !IsSystem && (Attributes & Segmentation.Code) != 0;

    public bool IsConforming => IsCode && (Attributes & Segmentation.ExpandDownOrConforming) != 0;

    public bool IsWritableData => !IsSystem && (Attributes & (Segmentation.Code | Segmentation.ReadWrite)) == Segmentation.ReadWrite;

    /// <summary>Data, or code that may be read.</summary>
    public bool IsReadable => !IsSystem && (Attributes & (Segmentation.Code | Segmentation.ReadWrite)) != Segmentation.Code;

    public bool Is64BitCode => IsCode && (Attributes & Segmentation.LongMode) != 0;

    public ulong Base => (Low >> 16 & 0xFFFFFF) | (Low >> 56 << 24) | High << 32;

    /// <summary>The limit in bytes.</summary>
    public uint Limit
    {
        get
        {
            uint limit = (uint)(Low & 0xFFFF) | (uint)(Low >> 32) & 0xF0000;
            return (Attributes & Segmentation.Granularity) != 0 ? limit << 12 | 0xFFF : limit;
        }
    }

    /// <summary>A gate's target.</summary>
    public ushort TargetSelector => (ushort)(Low >> 16);

    public ulong TargetOffset => (Low & 0xFFFF) | (Low >> 48 << 16) | High << 32;

    /// <summary>A call gate's number of parameters.</summary>
    public int ParameterCount => (int)(Low >> 32) & 0x1F;

    /// <summary>A gate's entry in the interrupt stack table, or 0.</summary>
    public int InterruptStack => (int)(Low >> 32) & 7;

    /// <summary>The hidden part of a segment register.</summary>
    public SegmentCache ToCache(ushort selector)
    {
        SegmentCache cache;
        Segmentation.Set(&cache, selector, Base, Limit, Attributes);
        return cache;
    }
}
