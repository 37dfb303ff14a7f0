using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu.Fuzz.Code;

/// <summary>What kind of code a case is. The order is known to Reference.h.</summary>
enum CodeKind
{
    /// <summary>64-bit mode.</summary>
    Long,
    /// <summary>32-bit code, flat.</summary>
    Compatibility,
    /// <summary>16-bit code and stack in segments with a base and a limit; GS expands down.</summary>
    Segmented16,
}

/// <summary>All registers that are compared, and how the case ended. Reference.h has the same.</summary>
[StructLayout(LayoutKind.Sequential)]
struct MachineState
{
    public const uint EndedByTimer = 256, EndedBySystemCall = 257, EndedByLimit = 258, EndedOtherwise = 259;

    public Gprs Gpr;
    public ulong Rip, Rflags, FsBase, GsBase;
    /// <summary>Vector of the exception that ended the case, or one of the constants.</summary>
    public uint Vector;
    public uint ErrorCode;
    /// <summary>CR2.</summary>
    public ulong Address;
    /// <summary>In the format of FXSAVE.</summary>
    public FxImage Fx;
    /// <summary>Upper halves of the YMM registers.</summary>
    public Uppers Upper;

    [InlineArray(16)]
    public struct Gprs
    {
        ulong first;
    }

    [InlineArray(512)]
    public struct FxImage
    {
        byte first;
    }

    [InlineArray(256)]
    public struct Uppers
    {
        byte first;
    }
}

/// <summary>A piece of code with the registers and the memory that it begins with; after a run, what it has left. Reference.h has the same.</summary>
[StructLayout(LayoutKind.Sequential)]
struct TestCase
{
    public const ulong CodeStart = 0x1000_0000, DataStart = 0x2000_0000, StackStart = 0x3000_0000;
    public const int CodeSize = 4096, DataSize = 8192, StackSize = 4096;
    /// <summary>Bytes that the expand-down segment leaves out.</summary>
    public const int ExpandDownLimit = 0x7FF;
    /// <summary>Bases of FS and GS in kinds that have them by selector.</summary>
    public const ulong FsBase = DataStart + 0x800, GsBase = DataStart + 0x1000;

    public uint Kind, Reserved0, Reserved1, Reserved2;
    public MachineState State;
    public CodeBytes Code;
    public DataBytes Data;
    public StackBytes Stack;

    [InlineArray(CodeSize)]
    public struct CodeBytes
    {
        byte first;
    }

    [InlineArray(DataSize)]
    public struct DataBytes
    {
        byte first;
    }

    [InlineArray(StackSize)]
    public struct StackBytes
    {
        byte first;
    }
}
