using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>How the stack is addressed: width of the stack pointer and need of checks. Chosen when the instruction is decoded.</summary>
unsafe interface IStack
{
    /// <summary>The stack pointer, truncated to the stack's address size.</summary>
    static abstract ulong Pointer(CpuState* s);

    /// <summary>Writes the stack pointer; bits beyond the stack's address size stay.</summary>
    static abstract void SetPointer(CpuState* s, ulong value);

    /// <summary>The linear address of <paramref name="size"/> bytes at stack offset <paramref name="pointer"/> (truncated here); faults as <see cref="IAddress.Linear"/>.</summary>
    static abstract ulong Linear(CpuState* s, Op* op, ulong pointer, uint size);
}

/// <summary>The stack kinds' numbers in a <see cref="HandlerKey"/>.</summary>
enum StackKind
{
    Stack64,
    Stack32,
    StackSegmented16,
    StackSegmented32,
}

/// <summary>64-bit mode.</summary>
readonly unsafe struct Stack64 : IStack
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => s->Rsp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => s->Rsp = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong pointer, uint size) => pointer;
}

/// <summary>A flat 32-bit stack segment.</summary>
readonly unsafe struct Stack32 : IStack
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => (uint)s->Rsp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => s->Rsp = (uint)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong pointer, uint size) => (uint)pointer;
}

/// <summary>A 16-bit stack with base and limit.</summary>
readonly unsafe struct StackSegmented16 : IStack
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => (ushort)s->Rsp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => *(ushort*)&s->Rsp = (ushort)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong pointer, uint size) => Segmentation.Stack(s, (ushort)pointer, size);
}

/// <summary>A 32-bit stack with base and limit.</summary>
readonly unsafe struct StackSegmented32 : IStack
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => (uint)s->Rsp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => s->Rsp = (uint)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong pointer, uint size) => Segmentation.Stack(s, (uint)pointer, size);
}
