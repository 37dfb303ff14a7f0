using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Semantics.X87;

/// <summary>A format of memory operands; the struct has its size.</summary>
unsafe interface IFpuFormat
{
    /// <summary>Reads and widens. Signaling NaNs are left to the operation.</summary>
    static abstract Float80 Load(ref FpuContext c, byte* p);

    /// <summary>The bytes of <paramref name="value"/> in this format: the first ones of the ten that are returned.</summary>
    static abstract Float80 Convert(ref FpuContext c, Float80 value);
}

/// <summary>How many registers an instruction pops at its end.</summary>
interface IPop
{
    static abstract int Count { get; }
}

/// <summary>No pop.</summary>
readonly struct Keep : IPop
{
    public static int Count => 0;
}

/// <summary>One pop.</summary>
readonly struct Pop : IPop
{
    public static int Count => 1;
}

/// <summary>Two pops.</summary>
readonly struct PopTwice : IPop
{
    public static int Count => 2;
}

/// <summary>Single precision.</summary>
[StructLayout(LayoutKind.Sequential, Size = 4)]
readonly unsafe struct Single32 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => BinaryConversion.FromSingle(ref c, Unsafe.ReadUnaligned<uint>(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => new(BinaryConversion.ToSingle(ref c, value), 0);
}

/// <summary>Double precision.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
readonly unsafe struct Double64 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => BinaryConversion.FromDouble(ref c, Unsafe.ReadUnaligned<ulong>(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => new(BinaryConversion.ToDouble(ref c, value), 0);
}

/// <summary>Double extended precision: moved as it is.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = Float80.Size)]
readonly unsafe struct Extended80 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => Float80.Read(p);

    public static Float80 Convert(ref FpuContext c, Float80 value) => value;
}

/// <summary>Word integer.</summary>
[StructLayout(LayoutKind.Sequential, Size = 2)]
readonly unsafe struct Integer16 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => IntegerConversion.FromInteger(Unsafe.ReadUnaligned<short>(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => new((ulong)IntegerConversion.ToInteger(ref c, c.Rounding, value, 16), 0);
}

/// <summary>Doubleword integer.</summary>
[StructLayout(LayoutKind.Sequential, Size = 4)]
readonly unsafe struct Integer32 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => IntegerConversion.FromInteger(Unsafe.ReadUnaligned<int>(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => new((ulong)IntegerConversion.ToInteger(ref c, c.Rounding, value, 32), 0);
}

/// <summary>Quadword integer.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
readonly unsafe struct Integer64 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => IntegerConversion.FromInteger(Unsafe.ReadUnaligned<long>(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => new((ulong)IntegerConversion.ToInteger(ref c, c.Rounding, value, 64), 0);
}

/// <summary>Packed decimal.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = Float80.Size)]
readonly unsafe struct Decimal80 : IFpuFormat
{
    public static Float80 Load(ref FpuContext c, byte* p) => DecimalConversion.FromDecimal(Float80.Read(p));

    public static Float80 Convert(ref FpuContext c, Float80 value) => DecimalConversion.ToDecimal(ref c, value);
}
