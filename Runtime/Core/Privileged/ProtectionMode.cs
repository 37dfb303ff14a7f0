using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>The operating mode, from the architectural state.</summary>
static unsafe class ProtectionMode
{
    /// <summary>Segments come from descriptors: protected mode without virtual-8086 mode.</summary>
    public static bool IsProtected(CpuState* s) => (s->Cr0 & Cr0.ProtectionEnable) != 0 && !IsVirtual8086(s);

    public static bool IsReal(CpuState* s) => (s->Cr0 & Cr0.ProtectionEnable) == 0;

    public static bool IsVirtual8086(CpuState* s) => (s->SystemFlags & SystemFlagBits.Virtual8086) != 0;

    /// <summary>64-bit or compatibility mode.</summary>
    public static bool IsLong(CpuState* s) => (s->Efer & Efer.LongModeActive) != 0;

    public static bool Is64BitCode(CpuState* s) => IsLong(s) && (s->Cs.Attributes & Segmentation.LongMode) != 0;

    /// <summary>PAE paging without long mode: the directory pointers are registers.</summary>
    public static bool UsesDirectoryPointers(CpuState* s) =>
        (s->Cr0 & Cr0.Paging) != 0 && (s->Cr4 & Cr4.PhysicalAddressExtension) != 0 && !IsLong(s);

    public static int IoPrivilege(CpuState* s) => (int)(s->SystemFlags >> SystemFlagBits.IoPrivilegeShift) & 3;

    /// <summary>RFLAGS.</summary>
    public static ulong Flags(CpuState* s) => s->SystemFlags | s->Flags.ToEflags();
}
