using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.State;

namespace FastVcpu.Execution;

static unsafe class InstructionPointer
{
    /// <summary>Wraps an instruction pointer as the code size says: 16, 32 or 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Truncate(uint mode, ulong rip) => (mode & CpuMode.CodeSizeMask) switch
    {
        CpuMode.Code64 => rip,
        CpuMode.Code32 => (uint)rip,
        _ => (ushort)rip,
    };

    /// <inheritdoc cref="Truncate(uint, ulong)"/>
    public static ulong Truncate(CpuState* s, ulong rip) => Truncate(s->Mode, rip);
}
