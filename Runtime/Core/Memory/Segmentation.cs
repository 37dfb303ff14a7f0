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

    /// <summary>An address that no TLB holds and no mapping has: what a failed check returns.</summary>
    public const ulong Nowhere = 1UL << 63;

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
        int attributes = segment->Attributes;
        bool usable = (attributes & Present) != 0 && (attributes & CodeOrData) != 0;
        bool granted = (attributes & Code) != 0 ? !write && (attributes & ReadWrite) != 0 : !write || (attributes & ReadWrite) != 0;
        bool expandDown = (attributes & (Code | ExpandDownOrConforming)) == ExpandDownOrConforming;
        if (usable && granted && expandDown)
        {
            ulong top = (attributes & DefaultBig) != 0 ? uint.MaxValue : ushort.MaxValue;
            if (offset > segment->Limit && offset + size - 1 <= top)
            {
                return (uint)(segment->Base + offset);
            }
        }
        // In real mode the 80286 knows a single exception for all segments.
        if (segment == &s->Ss && ((s->Mode & CpuMode.Protected) != 0 || Vcpu.Of(s).Model.Has(CpuFeature.I386)))
        {
            Raise.StackFault(s, 0);
        }
        else
        {
            Raise.GeneralProtection(s, 0);
        }
        return Nowhere;
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

    /// <summary>A real-mode segment: base 16 × selector, the limit and the rights stay as they are.</summary>
    public static void SetReal(SegmentCache* segment, ushort selector)
    {
        segment->Selector = selector;
        segment->Base = (ulong)selector << 4;
    }

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

    /// <summary>
    /// Loads ES, SS, DS, FS or GS as MOV, POP and LxS do (SDM Vol. 2, MOV). False: a fault is recorded and nothing has changed. The mode
    /// word is brought up to date; the caller ends its block.
    /// </summary>
    public static bool Load(CpuState* s, int index, ushort selector)
    {
        SegmentCache* segment = Register(s, index);
        uint mode = s->Mode;
        if ((mode & CpuMode.Protected) == 0 || (mode & CpuMode.Virtual8086) != 0)
        {
            SetReal(segment, selector);
        }
        else if ((selector & ~3) == 0)
        {
            if (index == Ss && ((mode & CpuMode.CodeSizeMask) != CpuMode.Code64 || s->Cpl == 3))
            {
                Raise.GeneralProtection(s, 0);
                return false;
            }
            Set(segment, selector, 0, 0, 0);
        }
        else if (!LoadDescriptor(s, segment, index, selector))
        {
            return false;
        }
        Vcpu.Of(s).UpdateMode();
        return true;
    }

    static bool LoadDescriptor(CpuState* s, SegmentCache* segment, int index, ushort selector)
    {
        uint error = (uint)selector & ~3u;
        int cpl = s->Cpl, rpl = selector & 3;
        if (!Vcpu.Of(s).TryReadDescriptor(selector, out ulong descriptor))
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        int attributes = (int)(descriptor >> 40) & 0xF0FF;
        int dpl = attributes >> DplShift & 3;
        bool code = (attributes & Code) != 0, dataWritable = !code && (attributes & ReadWrite) != 0;
        bool allowed = (attributes & CodeOrData) != 0 && (index == Ss
            ? dataWritable && rpl == cpl && dpl == cpl
            : (!code || (attributes & ReadWrite) != 0) && ((code && (attributes & ExpandDownOrConforming) != 0) || (rpl <= dpl && cpl <= dpl)));
        if (!allowed)
        {
            Raise.GeneralProtection(s, error);
            return false;
        }
        if ((attributes & Present) == 0)
        {
            Raise.Exception(s, index == Ss ? FaultCode.StackFault : FaultCode.SegmentNotPresent, error);
            return false;
        }
        SetFromDescriptor(segment, selector, descriptor);
        return true;
    }
}
