using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics.X87;

/// <summary>A function of one register.</summary>
interface IUnaryOperation
{
    static abstract Float80 Apply(ref FpuContext c, Float80 a);
}

/// <summary>A function of two registers; the first is the one that the result replaces.</summary>
interface IBinaryOperation
{
    static abstract Float80 Apply(ref FpuContext c, Float80 a, Float80 b);

    /// <summary>The same where <see cref="Shortcut"/> is open. False: not here.</summary>
    static virtual bool TryShortcut(Float80 a, Float80 b, out Float80 result, out int status)
    {
        (result, status) = (default, 0);
        return false;
    }
}

/// <summary>FADD.</summary>
readonly struct Add : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Addition.Add(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryShortcut(Float80 a, Float80 b, out Float80 result, out int status) => Shortcut.TryAdd(a, b, false, out result, out status);
}

/// <summary>FSUB.</summary>
readonly struct Subtract : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Addition.Subtract(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryShortcut(Float80 a, Float80 b, out Float80 result, out int status) => Shortcut.TryAdd(a, b, true, out result, out status);
}

/// <summary>FSUBR.</summary>
readonly struct SubtractFrom : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Addition.Subtract(ref c, b, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryShortcut(Float80 a, Float80 b, out Float80 result, out int status) => Shortcut.TryAdd(b, a, true, out result, out status);
}

/// <summary>FMUL.</summary>
readonly struct Multiply : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Multiplication.Multiply(ref c, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryShortcut(Float80 a, Float80 b, out Float80 result, out int status) => Shortcut.TryMultiply(a, b, out result, out status);
}

/// <summary>FDIV.</summary>
readonly struct Divide : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Multiplication.Divide(ref c, a, b);
}

/// <summary>FDIVR.</summary>
readonly struct DivideInto : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Multiplication.Divide(ref c, b, a);
}

/// <summary>FSQRT.</summary>
readonly struct SquareRoot : IUnaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a) => Multiplication.SquareRoot(ref c, a);
}

/// <summary>FRNDINT.</summary>
readonly struct RoundToInteger : IUnaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a) => Scaling.RoundToInteger(ref c, a);
}

/// <summary>FSCALE.</summary>
readonly struct Scale : IBinaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a, Float80 b) => Scaling.Scale(ref c, a, b);
}

/// <summary>FCHS. Any content changes its sign; nothing is an exception.</summary>
readonly struct ChangeSign : IUnaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a) => a.WithSign(!a.IsNegative);
}

/// <summary>FABS.</summary>
readonly struct Absolute : IUnaryOperation
{
    public static Float80 Apply(ref FpuContext c, Float80 a) => a.WithSign(false);
}
