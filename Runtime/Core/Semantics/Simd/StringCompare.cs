using System.Numerics;
using System.Runtime.CompilerServices;
using FastVcpu.State;
using V128 = System.Runtime.Intrinsics.Vector128<byte>;

namespace FastVcpu.Semantics;

/// <summary>The string comparisons of SSE4.2 (SDM Vol. 1 chapter 12.3 and Vol. 2 4.1).</summary>
static unsafe class StringCompare
{
    /// <summary>Immediate bits: element type, aggregation, polarity, form of the output.</summary>
    const int Words = 1, Signed = 2, AggregationShift = 2, Negative = 0x10, Masked = 0x20, MostSignificant = 0x40, Expanded = 0x40;

    const int EqualAny = 0, Ranges = 1, EqualEach = 2;

    /// <summary>Bits of an outcome beyond the one for each element: a string ends within its operand.</summary>
    const int SecondEndsShift = 32, FirstEndsShift = 33;

    /// <summary>PCMPISTRI: strings end with a zero element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ImplicitIndex(ref Flags f, V128 a, V128 b, byte control)
    {
        ulong outcome = Implicit(a, b, control);
        SetFlags(ref f, outcome);
        return Index((uint)outcome, control);
    }

    /// <summary>PCMPISTRM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 ImplicitMask(ref Flags f, V128 a, V128 b, byte control)
    {
        ulong outcome = Implicit(a, b, control);
        SetFlags(ref f, outcome);
        return Mask((uint)outcome, control);
    }

    /// <summary>PCMPESTRI: lengths in registers; their magnitudes count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ExplicitIndex<T>(ref Flags f, V128 a, V128 b, T lengthA, T lengthB, byte control) where T : unmanaged
    {
        ulong outcome = Explicit(a, b, (long)Bits.Sign(lengthA), (long)Bits.Sign(lengthB), control);
        SetFlags(ref f, outcome);
        return Index((uint)outcome, control);
    }

    /// <summary>PCMPESTRM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128 ExplicitMask<T>(ref Flags f, V128 a, V128 b, T lengthA, T lengthB, byte control) where T : unmanaged
    {
        ulong outcome = Explicit(a, b, (long)Bits.Sign(lengthA), (long)Bits.Sign(lengthB), control);
        SetFlags(ref f, outcome);
        return Mask((uint)outcome, control);
    }

    // The comparison takes and returns plain values: a reference to the flags would cost the handlers their tail calls.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong Implicit(V128 a, V128 b, byte control) => Compare((byte*)&a, (byte*)&b, Length(a, control), Length(b, control), control);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static ulong Explicit(V128 a, V128 b, long lengthA, long lengthB, byte control) =>
        Compare((byte*)&a, (byte*)&b, Length(lengthA, control), Length(lengthB, control), control);

    /// <summary>CF: some element matches; ZF and SF: the second, the first string ends; OF: the first element matches; AF and PF clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void SetFlags(ref Flags f, ulong outcome) => f = Flags.FromEflags(((uint)outcome != 0 ? Flags.CfBit : 0)
        | ((outcome >> SecondEndsShift & 1) != 0 ? Flags.ZfBit : 0) | ((outcome >> FirstEndsShift & 1) != 0 ? Flags.SfBit : 0)
        | ((outcome & 1) != 0 ? Flags.OfBit : 0));

    static int Count(byte control) => (control & Words) != 0 ? 8 : 16;

    static int Length(V128 a, byte control)
    {
        int length = 0;
        while (length < Count(control) && Get(&a, length, control) != 0)
        {
            length++;
        }
        return length;
    }

    static int Length(long value, byte control) => (int)Math.Min((ulong)(value < 0 ? -value : value), (ulong)Count(control));

    static int Get(void* vector, int index, byte control) => (control & (Words | Signed)) switch
    {
        0 => ((byte*)vector)[index],
        Words => ((ushort*)vector)[index],
        Signed => ((sbyte*)vector)[index],
        _ => ((short*)vector)[index],
    };

    /// <summary>One bit for each element of the second operand, then whether the strings end within their operands.</summary>
    static ulong Compare(byte* a, byte* b, int lengthA, int lengthB, byte control)
    {
        int count = Count(control);
        uint result = 0;
        for (int j = 0; j < count; j++)
        {
            if (Aggregate(a, b, j, lengthA, lengthB, control))
            {
                result |= 1u << j;
            }
        }
        if ((control & Negative) != 0)
        {
            result ^= (1u << ((control & Masked) != 0 ? lengthB : count)) - 1;
        }
        return result | (lengthB < count ? 1UL << SecondEndsShift : 0) | (lengthA < count ? 1UL << FirstEndsShift : 0);
    }

    static bool Aggregate(byte* a, byte* b, int j, int lengthA, int lengthB, byte control)
    {
        switch (control >> AggregationShift & 3)
        {
            case EqualAny:
                for (int i = 0; i < lengthA && j < lengthB; i++)
                {
                    if (Get(a, i, control) == Get(b, j, control)) return true;
                }
                return false;
            case Ranges:
                for (int i = 0; i + 1 < lengthA && j < lengthB; i += 2)
                {
                    if (Get(a, i, control) <= Get(b, j, control) && Get(b, j, control) <= Get(a, i + 1, control)) return true;
                }
                return false;
            case EqualEach:
                return j < lengthA && j < lengthB ? Get(a, j, control) == Get(b, j, control) : j >= lengthA && j >= lengthB;
            default:
                for (int i = 0; i < lengthA && i + j < Count(control); i++)
                {
                    if (i + j >= lengthB || Get(a, i, control) != Get(b, i + j, control)) return false;
                }
                return true;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static uint Index(uint result, byte control) =>
        result == 0 ? (uint)Count(control) : (uint)((control & MostSignificant) != 0 ? BitOperations.Log2(result) : BitOperations.TrailingZeroCount(result));

    [MethodImpl(MethodImplOptions.NoInlining)]
    static V128 Mask(uint result, byte control)
    {
        if ((control & Expanded) == 0)
        {
            return Simd.Extend(result);
        }
        V128 mask = default;
        for (int i = 0; i < Count(control); i++)
        {
            if ((result >> i & 1) == 0) continue;
            if ((control & Words) != 0) ((ushort*)&mask)[i] = ushort.MaxValue;
            else ((byte*)&mask)[i] = byte.MaxValue;
        }
        return mask;
    }
}
