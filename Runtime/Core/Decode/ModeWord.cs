using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Decode;

/// <summary>Computes the mode word from the architectural state.</summary>
static unsafe class ModeWord
{
    const ulong FourGigabytes = 1UL << 32;
    const ulong VectorState = Xcr0.Sse | Xcr0.Avx;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(CpuState* s)
    {
        bool isProtected = (s->Cr0 & Cr0.ProtectionEnable) != 0;
        bool isVirtual8086 = isProtected && (s->SystemFlags & SystemFlagBits.Virtual8086) != 0;
        bool is64 = (s->Efer & Efer.LongModeActive) != 0 && (s->Cs.Attributes & Segmentation.LongMode) != 0;
        // The sizes stay what they were when real mode is entered, until the segments are loaded anew.
        bool is32 = !is64 && (s->Cs.Attributes & Segmentation.DefaultBig) != 0;
        bool bigStack = (s->Ss.Attributes & Segmentation.DefaultBig) != 0;
        bool flat = is64 || (IsFlat(&s->Ds, true) && IsFlat(&s->Es, true) && IsFlat(&s->Ss, true) && IsFlat(&s->Cs, false));
        StackKind stack = is64 ? StackKind.Stack64
            : !bigStack ? StackKind.StackSegmented16
            : flat ? StackKind.Stack32
            : StackKind.StackSegmented32;
        uint mode = (is64 ? CpuMode.Code64 : is32 ? CpuMode.Code32 : CpuMode.Code16) | (uint)stack << CpuMode.StackShift | (uint)s->Cpl << CpuMode.CplShift;
        mode |= isProtected ? CpuMode.Protected : 0;
        mode |= isVirtual8086 ? CpuMode.Virtual8086 : 0;
        mode |= flat ? CpuMode.FlatSegments : 0;
        mode |= is64 || NeedsNoCheck(&s->Fs) ? 0 : CpuMode.FsChecked;
        mode |= is64 || NeedsNoCheck(&s->Gs) ? 0 : CpuMode.GsChecked;
        bool checksAlignment = (s->Cr0 & Cr0.AlignmentMask) != 0 && (s->SystemFlags & SystemFlagBits.AlignmentCheck) != 0 && s->Cpl == 3;
        mode |= checksAlignment ? CpuMode.AlignmentCheck : 0;
        mode |= (s->Cr0 & Cr0.Emulation) != 0 ? CpuMode.FpuEmulation : 0;
        mode |= (s->Cr0 & Cr0.TaskSwitched) != 0 ? CpuMode.TaskSwitched : 0;
        mode |= (s->Cr4 & Cr4.OsFxsr) != 0 ? CpuMode.OsFxsr : 0;
        mode |= (s->Cr4 & Cr4.OsXsave) != 0 && (s->Xcr0 & VectorState) == VectorState ? CpuMode.VectorExtensions : 0;
        return mode;
    }

    static bool IsFlat(SegmentCache* segment, bool written) =>
        segment->Base == 0 && segment->ReadableBytes == FourGigabytes && (!written || segment->WritableBytes == FourGigabytes);

    /// <summary>
    /// The segment ends at 4 GiB and there a page ends, so that an access across its end lies on two pages and is seen there.
    /// </summary>
    static bool NeedsNoCheck(SegmentCache* segment) =>
        segment->ReadableBytes == FourGigabytes && segment->WritableBytes == FourGigabytes && (segment->Base & ~Tlb.PageMask) == 0;
}
