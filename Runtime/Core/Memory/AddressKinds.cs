using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>How a memory operand's address is computed. Chosen when the instruction is decoded.</summary>
unsafe interface IAddress
{
    /// <summary>The offset within the segment, truncated to the address size.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The instruction with base, index, scale and displacement.</param>
    /// <param name="extra">Added before truncation.</param>
    static abstract ulong Effective(CpuState* s, Op* op, ulong extra);

    /// <summary>
    /// The linear address of an access of <paramref name="size"/> bytes. When a segment check fails, the fault is recorded and the address
    /// returned lies in no TLB, so that the access fails too.
    /// </summary>
    static abstract ulong Linear(CpuState* s, Op* op, uint size, ulong extra);

    /// <summary>As <see cref="Linear"/>, for an access that writes (or reads and then writes).</summary>
    static abstract ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra);
}

/// <summary>The address kinds' numbers in a <see cref="HandlerKey"/>.</summary>
enum AddressKind
{
    Base64,
    Full64,
    Base32,
    Flat32,
    Long32,
    Segmented16,
    Segmented32,
}

/// <summary>64-bit addresses of a base register and a displacement, flat segment.</summary>
readonly unsafe struct Base64 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => *(ulong*)((byte*)s + op->Base) + op->Disp + extra;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Linear(s, op, size, extra);
}

/// <summary>64-bit addresses with all parts: base, index, displacement and segment base.</summary>
readonly unsafe struct Full64 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) =>
        *(ulong*)((byte*)s + op->Base) + (*(ulong*)((byte*)s + op->Index) << op->Scale) + op->Disp + extra;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Effective(s, op, extra) + *(ulong*)((byte*)s + op->Segment);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Linear(s, op, size, extra);
}

/// <summary>32-bit addresses of a base register and a displacement outside 64-bit mode, in a segment that needs neither check nor base.</summary>
readonly unsafe struct Base32 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => (uint)Base64.Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Linear(s, op, size, extra);
}

/// <summary>32-bit addresses outside 64-bit mode with all parts, in a segment that needs no check; a base (FS, GS) is added and wraps at 4 GiB.</summary>
readonly unsafe struct Flat32 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => (uint)Full64.Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => (uint)Full64.Linear(s, op, size, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Linear(s, op, size, extra);
}

/// <summary>32-bit addresses in 64-bit mode (address-size override): truncated before the segment base is added.</summary>
readonly unsafe struct Long32 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => (uint)Full64.Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Effective(s, op, extra) + *(ulong*)((byte*)s + op->Segment);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Linear(s, op, size, extra);
}

/// <summary>16-bit addresses with segment base and limit (real mode, virtual-8086, 16-bit protected mode).</summary>
readonly unsafe struct Segmented16 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => (ushort)Full64.Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Segmentation.Linear(s, op, Effective(s, op, extra), size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Segmentation.Linear(s, op, Effective(s, op, extra), size, write: true);
}

/// <summary>32-bit addresses with segment base and limit.</summary>
readonly unsafe struct Segmented32 : IAddress
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Effective(CpuState* s, Op* op, ulong extra) => (uint)Full64.Effective(s, op, extra);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, uint size, ulong extra) => Segmentation.Linear(s, op, Effective(s, op, extra), size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LinearForWrite(CpuState* s, Op* op, uint size, ulong extra) => Segmentation.Linear(s, op, Effective(s, op, extra), size, write: true);
}
