using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.Privileged;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>LAR, LSL, VERR and VERW: what may be known of a descriptor, told by ZF instead of a fault.</summary>
static unsafe class SelectorChecks
{
    /// <summary>What <see cref="VisibleRights"/> and <see cref="VisibleLimit"/> return when nothing may be known.</summary>
    const long Unknown = -1;

    /// <summary>LAR.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T AccessRights<T>(CpuState* s, ref Flags f, T old, ushort selector) where T : unmanaged
    {
        long rights = VisibleRights(s, selector);
        f.ZF = rights != Unknown;
        return rights != Unknown ? Bits.Truncate<T>((ulong)rights) : old;
    }

    /// <summary>LSL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Limit<T>(CpuState* s, ref Flags f, T old, ushort selector) where T : unmanaged
    {
        long limit = VisibleLimit(s, selector);
        f.ZF = limit != Unknown;
        return limit != Unknown ? Bits.Truncate<T>((ulong)limit) : old;
    }

    /// <summary>VERR.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VerifyRead(CpuState* s, ref Flags f, ushort selector) => f.ZF = IsReadable(s, selector);

    /// <summary>VERW.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void VerifyWrite(CpuState* s, ref Flags f, ushort selector) => f.ZF = IsWritable(s, selector);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static long VisibleRights(CpuState* s, ushort selector)
    {
        const ulong Visible = 0x00FFFF00;
        bool isKnown = TryRead(s, selector, out Descriptor descriptor) && (!descriptor.IsSystem || HasRights(s, descriptor.Type));
        return isKnown ? (long)(descriptor.Low >> 32 & Visible) : Unknown;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static long VisibleLimit(CpuState* s, ushort selector)
    {
        bool isKnown = TryRead(s, selector, out Descriptor descriptor) && (!descriptor.IsSystem || HasLimit(s, descriptor.Type));
        return isKnown ? descriptor.Limit : Unknown;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool IsReadable(CpuState* s, ushort selector) => TryRead(s, selector, out Descriptor descriptor) && descriptor.IsReadable;

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool IsWritable(CpuState* s, ushort selector) => TryRead(s, selector, out Descriptor descriptor) && descriptor.IsWritableData;

    /// <summary>A descriptor that CPL and RPL may see. A page fault on the way is recorded.</summary>
    static bool TryRead(CpuState* s, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        return !DescriptorTable.IsNull(selector)
            && DescriptorTable.TryRead(s, selector, out descriptor)
            && (descriptor.IsConforming || Math.Max(s->Cpl, selector & 3) <= descriptor.Dpl);
    }

    static bool HasRights(CpuState* s, int type) => type switch
    {
        SystemType.Ldt or SystemType.AvailableTss32 or SystemType.BusyTss32 or SystemType.CallGate32 => true,
        SystemType.AvailableTss16 or SystemType.BusyTss16 or SystemType.CallGate16 or SystemType.TaskGate => !ProtectionMode.IsLong(s),
        _ => false,
    };

    static bool HasLimit(CpuState* s, int type) => type is not (SystemType.CallGate16 or SystemType.CallGate32 or SystemType.TaskGate) && HasRights(s, type);
}
