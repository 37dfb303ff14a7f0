using System.Buffers.Binary;

namespace FastVcpu.Cli.Conform;

/// <summary>Results that may differ a little: reciprocal approximations and the transcendental functions of the x87.</summary>
static class Tolerance
{
    const ushort ExponentMask = 0x7FFF;
    const ushort SignMask = 0x8000;

    /// <summary>Whether a difference in a register is one that the vector permits.</summary>
    public static bool Allows(Vector vector, RegisterSlot slot, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, ReadOnlySpan<byte> undefined)
    {
        if (undefined.ContainsAnyExcept((byte)0))
        {
            return false;
        }

        bool isVector = slot.Offset >= RegisterImage.Vector;
        bool isFpr = slot.Offset >= RegisterImage.Fpr && !isVector;
        return vector.Tolerance switch
        {
            ToleranceKind.RelativeSingle => isVector && AreNear(expected, actual, sizeof(float), vector.ToleranceValue),
            ToleranceKind.RelativeDouble => isVector && AreNear(expected, actual, sizeof(double), vector.ToleranceValue),
            ToleranceKind.UnitsInLastPlace => isFpr && Distance(expected, actual) <= (UInt128)vector.ToleranceValue,
            _ => false,
        };
    }

    static bool AreNear(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int width, double relative)
    {
        for (int i = 0; i < expected.Length; i += width)
        {
            ReadOnlySpan<byte> e = expected.Slice(i, width), a = actual.Slice(i, width);
            if (e.SequenceEqual(a))
            {
                continue;
            }

            double wanted = width == sizeof(float) ? BinaryPrimitives.ReadSingleLittleEndian(e) : BinaryPrimitives.ReadDoubleLittleEndian(e);
            double got = width == sizeof(float) ? BinaryPrimitives.ReadSingleLittleEndian(a) : BinaryPrimitives.ReadDoubleLittleEndian(a);
            if (!double.IsFinite(wanted) || wanted == 0 || !(Math.Abs(got - wanted) <= relative * Math.Abs(wanted)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Units in the last of the 64 mantissa bits between two finite numbers; without end for others.</summary>
    static UInt128 Distance(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        ushort xTop = BinaryPrimitives.ReadUInt16LittleEndian(x[8..]), yTop = BinaryPrimitives.ReadUInt16LittleEndian(y[8..]);
        bool areFinite = (xTop & ExponentMask) != ExponentMask && (yTop & ExponentMask) != ExponentMask;
        if (!areFinite)
        {
            return UInt128.MaxValue;
        }

        UInt128 a = Ordered(xTop, x), b = Ordered(yTop, y);
        if (((xTop ^ yTop) & SignMask) != 0)
        {
            return a + b;
        }

        return a > b ? a - b : b - a;
    }

    /// <summary>Magnitude as an integer in which neighbours differ by one: the integer bit of the mantissa is implied by the exponent.</summary>
    static UInt128 Ordered(ushort top, ReadOnlySpan<byte> bytes)
    {
        ulong mantissa = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return ((UInt128)(ulong)(top & ExponentMask) << 63) + (mantissa & long.MaxValue);
    }
}
