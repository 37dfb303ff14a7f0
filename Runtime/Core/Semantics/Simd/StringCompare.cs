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

    /// <summary>PCMPISTRI: strings end with a zero element.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint ImplicitIndex(ref Flags f, V128 a, V128 b, byte control) =>
        Index(Compare(ref f, (byte*)&a, (byte*)&b, Length(a, control), Length(b, control), control), control);

    /// <summary>PCMPISTRM.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 ImplicitMask(ref Flags f, V128 a, V128 b, byte control) =>
        Mask(Compare(ref f, (byte*)&a, (byte*)&b, Length(a, control), Length(b, control), control), control);

    /// <summary>PCMPESTRI: lengths in registers; their magnitudes count.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint ExplicitIndex<T>(ref Flags f, V128 a, V128 b, T lengthA, T lengthB, byte control) where T : unmanaged =>
        Index(Compare(ref f, (byte*)&a, (byte*)&b, Length(lengthA, control), Length(lengthB, control), control), control);

    /// <summary>PCMPESTRM.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static V128 ExplicitMask<T>(ref Flags f, V128 a, V128 b, T lengthA, T lengthB, byte control) where T : unmanaged =>
        Mask(Compare(ref f, (byte*)&a, (byte*)&b, Length(lengthA, control), Length(lengthB, control), control), control);

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

    static int Length<T>(T value, byte control) where T : unmanaged
    {
        long length = (long)Bits.Sign(value);
        return (int)Math.Min((ulong)(length < 0 ? -length : length), (ulong)Count(control));
    }

    static int Get(void* vector, int index, byte control) => (control & (Words | Signed)) switch
    {
        0 => ((byte*)vector)[index],
        Words => ((ushort*)vector)[index],
        Signed => ((sbyte*)vector)[index],
        _ => ((short*)vector)[index],
    };

    /// <summary>One bit for each element of <paramref name="b"/>.</summary>
    static uint Compare(ref Flags f, byte* a, byte* b, int lengthA, int lengthB, byte control)
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
        f = Flags.FromEflags((result != 0 ? Flags.CfBit : 0) | (lengthB < count ? Flags.ZfBit : 0) | (lengthA < count ? Flags.SfBit : 0)
            | ((result & 1) != 0 ? Flags.OfBit : 0));
        return result;
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

    static uint Index(uint result, byte control) =>
        result == 0 ? (uint)Count(control) : (uint)((control & MostSignificant) != 0 ? BitOperations.Log2(result) : BitOperations.TrailingZeroCount(result));

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
