using System.Runtime.CompilerServices;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Where the second op of a fused pair uses the register that the first one has just written, so that the value need not be read back.</summary>
enum Link
{
    None,
    Operand1,
    Operand2,
    /// <summary>Base register of the memory operand.</summary>
    Base,
    /// <summary>Index register of the memory operand.</summary>
    Index,
}

/// <summary>A link as a type argument.</summary>
interface ILink
{
    static abstract Link Kind { get; }
}

readonly struct Unlinked : ILink
{
    public static Link Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Link.None;
    }
}

readonly struct LinkedOperand1 : ILink
{
    public static Link Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Link.Operand1;
    }
}

readonly struct LinkedOperand2 : ILink
{
    public static Link Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Link.Operand2;
    }
}

readonly struct LinkedBase : ILink
{
    public static Link Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Link.Base;
    }
}

readonly struct LinkedIndex : ILink
{
    public static Link Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Link.Index;
    }
}

/// <summary>The address of a memory operand whose base or index is the result of the op before. Only address kinds without checks are linked.</summary>
static unsafe class LinkedAddress
{
    /// <param name="s">The state.</param>
    /// <param name="op">The op with the memory operand.</param>
    /// <param name="result">What the op before has written.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of<TAddress, TLink>(CpuState* s, Op* op, ulong result) where TAddress : struct, IAddress where TLink : struct, ILink
    {
        if (typeof(TAddress) == typeof(Base64))
        {
            return result + op->Disp;
        }
        if (typeof(TAddress) == typeof(Base32))
        {
            return (uint)(result + op->Disp);
        }
        ulong other = *(ulong*)((byte*)s + (TLink.Kind == Link.Base ? op->Index : op->Base));
        ulong address = (TLink.Kind == Link.Base ? result + (other << op->Scale) : other + (result << op->Scale)) + op->Disp + *(ulong*)((byte*)s + op->Segment);
        return typeof(TAddress) == typeof(Flat32) ? (uint)address : address;
    }
}
