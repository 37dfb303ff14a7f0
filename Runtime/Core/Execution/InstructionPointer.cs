using FastVcpu.Decode;
using FastVcpu.State;

namespace FastVcpu.Execution;

static unsafe class InstructionPointer
{
    /// <summary>
    /// The instruction pointer behind an instruction: it has 64 bits in 64-bit code and 32 otherwise, so that 16-bit code runs into the limit of its segment at 64 KiB. Before the
    /// 80386 it has 16 and wraps.
    /// </summary>
    public static ulong Truncate(CpuState* s, uint mode, ulong rip) => (mode & CpuMode.CodeSizeMask) switch
    {
        CpuMode.Code64 => rip,
        CpuMode.Code32 => (uint)rip,
        _ => (s->FlagsImplemented & SystemFlagBits.Resume) != 0 ? (uint)rip : (ushort)rip,
    };

    /// <inheritdoc cref="Truncate(CpuState*, uint, ulong)"/>
    public static ulong Truncate(CpuState* s, ulong rip) => Truncate(s, s->Mode, rip);
}
