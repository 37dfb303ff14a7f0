using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>Where indirect branches find their target block without the dispatcher.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
unsafe struct JumpCacheEntry
{
    public ulong Rip;
    public Op* Op;
    /// <summary>Mode word of the block; an empty entry has a value that no mode has.</summary>
    public uint Mode;
}

/// <summary>A return address that a call expects, and the stub of that call where the block behind it is linked.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
unsafe struct ReturnStackEntry
{
    public ulong Rip;
    public Op* Stub;
}

static unsafe class JumpCache
{
    public const uint EmptyMode = uint.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JumpCacheEntry* Entry(CpuState* s, ulong rip) =>
        (JumpCacheEntry*)((byte*)s + CpuState.JumpCacheOffset + (((rip ^ (rip >> 11)) & (CpuState.JumpCacheEntries - 1)) << 5));
}
