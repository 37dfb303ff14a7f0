using System.Runtime.CompilerServices;

namespace FastVcpu.State;

/// <summary>Width arithmetic on the four integer operand types <c>byte</c>, <c>ushort</c>, <c>uint</c> and <c>ulong</c>.</summary>
/// <remarks>Each branch on <c>typeof(T)</c> is decided when a handler is compiled, so nothing of it is left in machine code.</remarks>
static class Bits
{
    /// <summary>The width of <typeparamref name="T"/> in bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Width<T>() where T : unmanaged => Unsafe.SizeOf<T>() * 8;

    /// <summary>Zero-extends to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Zero<T>(T value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return (byte)(object)value;
        if (typeof(T) == typeof(ushort)) return (ushort)(object)value;
        if (typeof(T) == typeof(uint)) return (uint)(object)value;
        return (ulong)(object)value;
    }

    /// <summary>Sign-extends to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Sign<T>(T value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return (ulong)(sbyte)(byte)(object)value;
        if (typeof(T) == typeof(ushort)) return (ulong)(short)(ushort)(object)value;
        if (typeof(T) == typeof(uint)) return (ulong)(int)(uint)(object)value;
        return (ulong)(object)value;
    }

    /// <summary>Truncates a 64-bit value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Truncate<T>(ulong value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return (T)(object)(byte)value;
        if (typeof(T) == typeof(ushort)) return (T)(object)(ushort)value;
        if (typeof(T) == typeof(uint)) return (T)(object)(uint)value;
        return (T)(object)value;
    }

    /// <summary>The most significant bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Msb<T>(T value) where T : unmanaged => (long)Sign(value) < 0;
}
