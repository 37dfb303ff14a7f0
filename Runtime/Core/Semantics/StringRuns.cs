using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// Runs of elements at host addresses, with the result that doing one element after the other has. Forward runs use what the runtime has for spans.
/// </summary>
static unsafe class StringRuns
{
    /// <summary>Copies elements from <paramref name="from"/>, the first first.</summary>
    public static void Move<T>(byte* to, byte* from, long count, long step) where T : unmanaged
    {
        long bytes = count * Unsafe.SizeOf<T>();
        // Forward, a destination that begins inside the source sees what has just been written.
        if (step > 0 && (to <= from || to >= from + bytes))
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
            return;
        }
        for (long i = 0; i < count; i++)
        {
            Unsafe.WriteUnaligned(to + i * step, Unsafe.ReadUnaligned<T>(from + i * step));
        }
    }

    public static void Fill<T>(byte* to, T value, long count, long step) where T : unmanaged =>
        new Span<T>(step > 0 ? to : to + (count - 1) * step, (int)count).Fill(value);

    /// <summary>Elements of two runs, from the first on, that are equal (or, not <paramref name="whileEqual"/>, different).</summary>
    public static long Equal<T>(byte* left, byte* right, long count, long step, bool whileEqual) where T : unmanaged
    {
        if (step > 0 && whileEqual)
        {
            int bytes = (int)count * Unsafe.SizeOf<T>();
            return new ReadOnlySpan<byte>(left, bytes).CommonPrefixLength(new ReadOnlySpan<byte>(right, bytes)) / Unsafe.SizeOf<T>();
        }
        long i = 0;
        while (i < count && AreEqual(Unsafe.ReadUnaligned<T>(left + i * step), Unsafe.ReadUnaligned<T>(right + i * step)) == whileEqual)
        {
            i++;
        }
        return i;
    }

    /// <summary>Elements of a run, from the first on, that equal <paramref name="value"/> (or, not <paramref name="whileEqual"/>, differ).</summary>
    public static long Scan<T>(byte* p, T value, long count, long step, bool whileEqual) where T : unmanaged
    {
        if (step > 0)
        {
            int index = Unsafe.SizeOf<T>() switch
            {
                1 => IndexOf(new ReadOnlySpan<byte>(p, (int)count), (byte)Bits.Zero(value), whileEqual),
                2 => IndexOf(new ReadOnlySpan<ushort>(p, (int)count), (ushort)Bits.Zero(value), whileEqual),
                4 => IndexOf(new ReadOnlySpan<uint>(p, (int)count), (uint)Bits.Zero(value), whileEqual),
                _ => IndexOf(new ReadOnlySpan<ulong>(p, (int)count), Bits.Zero(value), whileEqual),
            };
            return index < 0 ? count : index;
        }
        long i = 0;
        while (i < count && AreEqual(Unsafe.ReadUnaligned<T>(p + i * step), value) == whileEqual)
        {
            i++;
        }
        return i;
    }

    static int IndexOf<T>(ReadOnlySpan<T> span, T value, bool whileEqual) where T : IEquatable<T> =>
        whileEqual ? span.IndexOfAnyExcept(value) : span.IndexOf(value);

    static bool AreEqual<T>(T a, T b) where T : unmanaged => Bits.Zero(a) == Bits.Zero(b);
}
