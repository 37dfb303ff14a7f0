using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Memory;

/// <summary>The host's compare-and-exchange on guest memory, for LOCKed instructions.</summary>
static unsafe class Atomic
{
    // Other hosts fault on, or tear, what is not aligned; x86 does not.
    static readonly bool AnyAlignment = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;

    static readonly Lock Misaligned = new();

    /// <summary>Writes <paramref name="desired"/> if the memory still holds <paramref name="expected"/>; true if it did.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExchange<T>(byte* p, T expected, T desired) where T : unmanaged
    {
        if (!AnyAlignment && ((nuint)p & (nuint)(Unsafe.SizeOf<T>() - 1)) != 0)
        {
            return TryExchangeMisaligned(p, expected, desired);
        }
        return EqualityComparer<T>.Default.Equals(Interlocked.CompareExchange(ref Unsafe.AsRef<T>(p), desired, expected), expected);
    }

    static bool TryExchangeMisaligned<T>(byte* p, T expected, T desired) where T : unmanaged
    {
        lock (Misaligned)
        {
            if (!EqualityComparer<T>.Default.Equals(Unsafe.ReadUnaligned<T>(p), expected))
            {
                return false;
            }
            Unsafe.WriteUnaligned(p, desired);
            return true;
        }
    }
}
