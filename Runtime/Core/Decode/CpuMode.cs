using FastVcpu.Memory;

namespace FastVcpu.Decode;

/// <summary>The bits of <see cref="State.CpuState.Mode"/>: all that decoding depends on besides the bytes. Part of a block's key.</summary>
static class CpuMode
{
    public const uint CodeSizeMask = 3, Code16 = 0, Code32 = 1, Code64 = 2;
    public const int StackShift = 2;
    public const uint Protected = 1 << 4;
    public const uint Virtual8086 = 1 << 5;
    /// <summary>ES, CS, SS and DS have base 0 and no limit, so that nothing needs a check.</summary>
    public const uint FlatSegments = 1 << 6;
    public const uint FsChecked = 1 << 7;
    public const uint GsChecked = 1 << 8;
    public const int CplShift = 9;
    /// <summary>EFLAGS.AC and CR0.AM at CPL 3: every memory operand is checked.</summary>
    public const uint AlignmentCheck = 1 << 11;
    /// <summary>Blocks of one instruction: single steps and the last instructions of a limit.</summary>
    public const uint OneInstruction = 1 << 12;
    public const uint FpuEmulation = 1 << 13;
    public const uint TaskSwitched = 1 << 14;
    public const uint OsFxsr = 1 << 15;
    /// <summary>CR4.OSXSAVE is set, and XCR0 has SSE and AVX: VEX-encoded vector instructions exist.</summary>
    public const uint VectorExtensions = 1 << 16;
    /// <summary>Number of the code segment (<see cref="Execution.CodeSegments"/>).</summary>
    public const int CodeSegmentShift = 17;

    /// <summary>The stack kind that pushes and pops use.</summary>
    public static StackKind Stack(uint mode) => (StackKind)(mode >> StackShift & 3);

    /// <summary>Current privilege level.</summary>
    public static int Cpl(uint mode) => (int)(mode >> CplShift & 3);
}
