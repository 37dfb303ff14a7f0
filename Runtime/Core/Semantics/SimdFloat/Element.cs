using System.Runtime.CompilerServices;

namespace FastVcpu.Semantics;

/// <summary>Elements of vectors in memory, as bit patterns in 64 bits; their type counts by its width alone.</summary>
static unsafe class Element
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Get<T>(void* vector, int index) where T : unmanaged => sizeof(T) switch
    {
        1 => ((byte*)vector)[index],
        2 => ((ushort*)vector)[index],
        4 => ((uint*)vector)[index],
        _ => ((ulong*)vector)[index],
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(void* vector, int index, ulong value) where T : unmanaged => Unsafe.CopyBlockUnaligned((T*)vector + index, &value, (uint)sizeof(T));
}
