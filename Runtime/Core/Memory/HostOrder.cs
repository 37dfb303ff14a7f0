using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastVcpu.Memory;

/// <summary>
/// The order that x86 promises to the other CPUs – loads in order, stores in order, no store before an older load – on hosts that promise less, like Arm64. Each access of the guest waits
/// for those before it; on x86 nothing is left of it.
/// </summary>
static class HostOrder
{
    /// <summary>Loads before this come before the load that follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeforeRead()
    {
        if (!X86Base.IsSupported)
        {
            Volatile.ReadBarrier();
        }
    }

    /// <summary>Loads and stores before this come before the store that follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeforeWrite()
    {
        if (!X86Base.IsSupported)
        {
            Volatile.WriteBarrier();
        }
    }
}
