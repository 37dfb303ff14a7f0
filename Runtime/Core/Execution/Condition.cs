using System.Runtime.CompilerServices;

namespace FastVcpu.Execution;

/// <summary>One of the sixteen conditions as a type argument, so that fused handlers with a condition are stated once.</summary>
interface ICondition
{
    /// <summary>Low four bits of Jcc, SETcc, CMOVcc opcodes.</summary>
    static abstract int Number { get; }
}

/// <summary>A condition of four bits.</summary>
readonly struct Condition<T3, T2, T1, T0> : ICondition where T3 : struct, IBit where T2 : struct, IBit where T1 : struct, IBit where T0 : struct, IBit
{
    public static int Number
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => T3.Value << 3 | T2.Value << 2 | T1.Value << 1 | T0.Value;
    }
}

/// <summary>A bit as a type argument.</summary>
interface IBit
{
    static abstract int Value { get; }
}

readonly struct Bit0 : IBit
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 0;
    }
}

readonly struct Bit1 : IBit
{
    public static int Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }
}
