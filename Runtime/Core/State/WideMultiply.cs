using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FastVcpu.State;

/// <summary>The upper half of 64 × 64-bit products.</summary>
/// <remarks><see cref="Math.BigMul(ulong, ulong, out ulong)"/> takes the address of a local, which would cost a handler its tail call.</remarks>
static class WideMultiply
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong x, ulong y)
    {
        if (Bmi2.X64.IsSupported)
        {
            return Bmi2.X64.MultiplyNoFlags(x, y);
        }
        return ArmBase.Arm64.IsSupported ? ArmBase.Arm64.MultiplyHigh(x, y) : Portable(x, y);
    }

    /// <summary>As <see cref="High(ulong, ulong)"/>, signed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long High(long x, long y) => (long)High((ulong)x, (ulong)y) - ((x >> 63) & y) - ((y >> 63) & x);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong Portable(ulong x, ulong y) => Math.BigMul(x, y, out _);
}
