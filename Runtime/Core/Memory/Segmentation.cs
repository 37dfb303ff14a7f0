using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>Segment checks and loads.</summary>
static unsafe class Segmentation
{
    /// <summary>Index of a segment register in the state: the order of their encodings.</summary>
    public const int Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5;

    // Attribute bits (descriptor bits 40–55 without the limit).
    public const int TypeMask = 0xF, Accessed = 1, ReadWrite = 2, ExpandDownOrConforming = 4, Code = 8, CodeOrData = 0x10, DplShift = 5, Present = 0x80;
    public const int LongMode = 1 << 13, DefaultBig = 1 << 14, Granularity = 1 << 15;

    /// <summary>
    /// An address that no TLB holds and no mapping has: what a failed check returns, with the low bits that say whether a vector is aligned.
    /// </summary>
    public const ulong Nowhere = 1UL << 63;

    const ulong AlignmentBits = 63;

    /// <summary>The address is what a failed check returned.</summary>
    public static bool IsNowhere(ulong address) => (address & ~AlignmentBits) == Nowhere;

    /// <summary>Segment register by index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SegmentCache* Register(CpuState* s, int index) => &s->Es + index;

    /// <summary>Linear address of <paramref name="size"/> bytes at an offset of the operand's segment, or <see cref="Nowhere"/> with a fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong offset, uint size, bool write = false) =>
        Linear(s, (SegmentCache*)((byte*)s + op->Segment), offset, size, write);

    /// <summary>Linear address of <paramref name="size"/> bytes at an offset of a segment, or <see cref="Nowhere"/> with a fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, SegmentCache* segment, ulong offset, uint size, bool write)
    {
        ulong limit = write ? segment->WritableBytes : segment->ReadableBytes;
        return offset + size <= limit ? (uint)(segment->Base + offset) : Checked(s, segment, offset, size, write);
    }

    /// <summary>As <see cref="Linear(CpuState*, Op*, ulong, uint, bool)"/>, for the stack segment, writable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Stack(CpuState* s, ulong offset, uint size) =>
        offset + size <= s->Ss.WritableBytes ? (uint)(s->Ss.Base + offset) : Checked(s, &s->Ss, offset, size, true);

    /// <summary>The full check, for segments that the quick one does not know (expand-down) and for those that fail.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong Checked(CpuState* s, SegmentCache* segment, ulong offset, uint size, bool write)
    {
        if (TryLinear(segment, offset, size, write, out ulong linear))
        {
            return linear;
        }
        if (segment == &s->Ss)
        {
            RaiseStackFault(s, 0);
        }
        else
        {
            Raise.GeneralProtection(s, 0);
        }
        return Nowhere | linear & AlignmentBits;
    }

    /// <summary>An access beyond the stack segment: #SS, but in real mode the 80286 knows a single exception for all segments.</summary>
    public static void RaiseStackFault(CpuState* s, uint errorCode)
    {
        if ((s->Mode & CpuMode.Protected) != 0 || Vcpu.Of(s).Model.Has(CpuFeature.I386))
        {
            Raise.StackFault(s, errorCode);
        }
        else
        {
            Raise.GeneralProtection(s, errorCode);
        }
    }

    /// <summary>Checks rights and limit; raises nothing.</summary>
    public static bool TryLinear(SegmentCache* segment, ulong offset, uint size, bool write, out ulong linear)
    {
        linear = (uint)(segment->Base + offset);
        ulong limit = write ? segment->WritableBytes : segment->ReadableBytes;
        if (offset + size <= limit)
        {
            return true;
        }
        int attributes = segment->Attributes;
        bool usable = (attributes & Present) != 0 && (attributes & CodeOrData) != 0;
        bool granted = (attributes & Code) != 0 ? !write && (attributes & ReadWrite) != 0 : !write || (attributes & ReadWrite) != 0;
        bool expandDown = (attributes & (Code | ExpandDownOrConforming)) == ExpandDownOrConforming;
        ulong top = (attributes & DefaultBig) != 0 ? uint.MaxValue : ushort.MaxValue;
        return usable && granted && expandDown && offset > segment->Limit && offset + size - 1 <= top;
    }

    /// <summary>Sets the hidden part of a segment register from base, limit and attributes.</summary>
    public static void Set(SegmentCache* segment, ushort selector, ulong segmentBase, uint limit, int attributes)
    {
        bool usable = (attributes & Present) != 0 && (attributes & CodeOrData) != 0;
        bool code = (attributes & Code) != 0;
        bool expandDown = !code && (attributes & ExpandDownOrConforming) != 0;
        bool readable = usable && !expandDown && (!code || (attributes & ReadWrite) != 0);
        bool writable = usable && !expandDown && !code && (attributes & ReadWrite) != 0;
        *segment = new SegmentCache
        {
            Base = segmentBase,
            Limit = limit,
            Selector = selector,
            Attributes = (ushort)attributes,
            ReadableBytes = readable ? (ulong)limit + 1 : 0,
            WritableBytes = writable ? (ulong)limit + 1 : 0,
        };
    }

    /// <summary>
    /// Loads a segment register in real or virtual-8086 mode: base 16 × selector. In real mode limit and rights stay as they are, but that CS becomes
    /// writable; in virtual-8086 mode they are fixed.
    /// </summary>
    public static void SetReal(CpuState* s, int index, ushort selector)
    {
        SegmentCache* segment = Register(s, index);
        SetReal(segment, selector);
        if ((s->SystemFlags & SystemFlagBits.Virtual8086) != 0)
        {
            SetVirtual8086(segment, selector);
        }
        else if (index == Cs)
        {
            Set(segment, selector, segment->Base, segment->Limit, segment->Attributes & ~TypeMask | Present | CodeOrData | ReadWrite | Accessed);
        }
    }

    /// <summary>Base 16 × selector, the rest stays.</summary>
    public static void SetReal(SegmentCache* segment, ushort selector)
    {
        segment->Selector = selector;
        segment->Base = (ulong)selector << 4;
    }

    /// <summary>A segment of virtual-8086 mode: 64 KiB, writable, privilege level 3.</summary>
    public static void SetVirtual8086(SegmentCache* segment, ushort selector) =>
        Set(segment, selector, (ulong)selector << 4, ushort.MaxValue, 3 << DplShift | Present | CodeOrData | ReadWrite | Accessed);

    /// <summary>Sets a segment register from a descriptor of 8 bytes.</summary>
    public static void SetFromDescriptor(SegmentCache* segment, ushort selector, ulong descriptor)
    {
        int attributes = (int)(descriptor >> 40) & 0xF0FF;
        uint limit = (uint)(descriptor & 0xFFFF) | (uint)(descriptor >> 32) & 0xF0000;
        if ((attributes & Granularity) != 0)
        {
            limit = (limit << 12) | 0xFFF;
        }
        Set(segment, selector, (descriptor >> 16) & 0xFFFFFF | (descriptor >> 56) << 24, limit, attributes);
    }
}
