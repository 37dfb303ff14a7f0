using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Registers;

/// <summary>Rules between control registers, for whoever sets several at once: the embedder and RSM.</summary>
static unsafe class SystemState
{
    /// <summary>Whether the values exist on the model and fit each other.</summary>
    public static bool IsConsistent(CpuModel model, ulong cr0, ulong cr4, ulong efer)
    {
        bool pages = (cr0 & Cr0.Paging) != 0;
        bool isLong = (efer & Efer.LongModeActive) != 0, wantsLong = (efer & Efer.LongModeEnable) != 0;
        return cr0 <= uint.MaxValue
            && (cr4 & ~Implemented.ControlRegister4(model)) == 0
            && (efer & ~Implemented.ExtendedFeatures(model)) == 0
            && (!pages || (cr0 & Cr0.ProtectionEnable) != 0)
            && ((cr0 & Cr0.NotWriteThrough) == 0 || (cr0 & Cr0.CacheDisable) != 0)
            && isLong == (pages && wantsLong)
            && (!isLong || (cr4 & Cr4.PhysicalAddressExtension) != 0)
            && (isLong || (cr4 & Cr4.ProcessContextIds) == 0);
    }

    /// <summary>The privilege level that goes with a state in which only registers have been set.</summary>
    public static int PrivilegeLevel(CpuState* s) =>
        ProtectionMode.IsReal(s) ? 0 : ProtectionMode.IsVirtual8086(s) ? 3 : s->Ss.Attributes >> Segmentation.DplShift & 3;
}
