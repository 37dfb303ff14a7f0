using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Addition, subtraction, comparison and logic.</summary>
static class Alu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Add<T>(ref Flags f, T a, T b) where T : unmanaged => f.SetAdd(a, b, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Adc<T>(ref Flags f, T a, T b) where T : unmanaged => f.SetAdd(a, b, f.CarryValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sub<T>(ref Flags f, T a, T b) where T : unmanaged => f.SetSub(a, b, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sbb<T>(ref Flags f, T a, T b) where T : unmanaged => f.SetSub(a, b, f.CarryValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cmp<T>(ref Flags f, T a, T b) where T : unmanaged => f.SetSub(a, b, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Inc<T>(ref Flags f, T a) where T : unmanaged => f.SetAddKeepCarry(a, Bits.Truncate<T>(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Dec<T>(ref Flags f, T a) where T : unmanaged => f.SetSubKeepCarry(a, Bits.Truncate<T>(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Neg<T>(ref Flags f, T a) where T : unmanaged => f.SetSub(default, a, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Not<T>(T a) where T : unmanaged => Bits.Truncate<T>(~Bits.Zero(a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T And<T>(ref Flags f, T a, T b) where T : unmanaged => Logic(ref f, Bits.Truncate<T>(Bits.Zero(a) & Bits.Zero(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Or<T>(ref Flags f, T a, T b) where T : unmanaged => Logic(ref f, Bits.Truncate<T>(Bits.Zero(a) | Bits.Zero(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Xor<T>(ref Flags f, T a, T b) where T : unmanaged => Logic(ref f, Bits.Truncate<T>(Bits.Zero(a) ^ Bits.Zero(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Andn<T>(ref Flags f, T a, T b) where T : unmanaged => Logic(ref f, Bits.Truncate<T>(~Bits.Zero(a) & Bits.Zero(b)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Test<T>(ref Flags f, T a, T b) where T : unmanaged => And(ref f, a, b);

    /// <summary>The old destination for the source, the sum for the destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Xadd<T>(ref Flags f, T source, T destination) where T : unmanaged => (destination, f.SetAdd(destination, source, 0));

    /// <summary>New accumulator and destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T) Cmpxchg<T>(ref Flags f, T accumulator, T destination, T source) where T : unmanaged
    {
        f.SetSub(accumulator, destination, 0);
        return f.ZF ? (accumulator, source) : (destination, destination);
    }

    /// <summary>32 bits in memory: the whole of RAX stays when it matches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong, uint) CmpxchgMemory32(ref Flags f, ulong accumulator, uint destination, uint source)
    {
        f.SetSub((uint)accumulator, destination, 0);
        return f.ZF ? (accumulator, source) : (destination, destination);
    }

    /// <summary>32 bits in a register: whichever of the two is not written keeps its upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong, ulong) CmpxchgRegister32(ref Flags f, ulong accumulator, ulong destination, uint source)
    {
        f.SetSub((uint)accumulator, (uint)destination, 0);
        return f.ZF ? (accumulator, source) : ((uint)destination, destination);
    }

    /// <summary>New memory, RDX and RAX; only ZF is written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong, ulong, ulong) Cmpxchg8B(ref Flags f, ulong destination, ulong rdx, ulong rax, uint ecx, uint ebx)
    {
        bool equal = destination == (rdx << 32 | (uint)rax);
        f.ZF = equal;
        return equal ? ((ulong)ecx << 32 | ebx, rdx, rax) : (destination, destination >> 32, (uint)destination);
    }

    /// <summary>Addition with CF alone as carry in and out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Adcx<T>(ref Flags f, T a, T b) where T : unmanaged
    {
        Flags sum = default;
        T result = sum.SetAdd(a, b, f.CarryValue);
        f.CF = sum.CF;
        return result;
    }

    /// <summary>Addition with OF alone as carry in and out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Adox<T>(ref Flags f, T a, T b) where T : unmanaged
    {
        Flags sum = default;
        T result = sum.SetAdd(a, b, f.OF ? 1UL : 0);
        f.OF = sum.CF;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Logic<T>(ref Flags f, T result) where T : unmanaged
    {
        f.SetLogic(result);
        return result;
    }
}
