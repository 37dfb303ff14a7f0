namespace FastVcpu;

/// <summary>What a hardware breakpoint looks at: the R/W field of DR7.</summary>
public enum BreakpointType
{
    /// <summary>Execution of the instruction at the address.</summary>
    Execute = 0,
    /// <summary>Data writes.</summary>
    Write = 1,
    /// <summary>Port I/O, when CR4.DE is set.</summary>
    Io = 2,
    /// <summary>Data reads and writes.</summary>
    ReadWrite = 3,
}

/// <summary>The debug registers (SDM Vol. 3 18.2; <c>struct kvm_debugregs</c>).</summary>
/// <param name="Dr0">Address of breakpoint 0.</param>
/// <param name="Dr1">Address of breakpoint 1.</param>
/// <param name="Dr2">Address of breakpoint 2.</param>
/// <param name="Dr3">Address of breakpoint 3.</param>
/// <param name="Dr6">Status.</param>
/// <param name="Dr7">Control.</param>
public readonly record struct DebugRegisters(ulong Dr0, ulong Dr1, ulong Dr2, ulong Dr3, ulong Dr6, ulong Dr7)
{
    /// <summary>The values after reset.</summary>
    public static DebugRegisters Reset { get; } = new(0, 0, 0, 0, 0xFFFF0FF0, 0x400);

    /// <summary>The same with one breakpoint set and enabled.</summary>
    /// <param name="slot">0 to 3.</param>
    /// <param name="address">Linear address, or port; a multiple of <paramref name="length"/>.</param>
    /// <param name="type">What it looks at.</param>
    /// <param name="length">1, 2, 4 or 8 bytes; 1 for <see cref="BreakpointType.Execute"/>.</param>
    /// <exception cref="ArgumentException">Not one of these numbers.</exception>
    public DebugRegisters With(int slot, ulong address, BreakpointType type, int length = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)slot, 3u, nameof(slot));
        ulong lengthField = length switch { 1 => 0UL, 2 => 1, 4 => 3, 8 => 2, _ => throw new ArgumentException($"A breakpoint of {length} bytes does not exist.", nameof(length)) };
        DebugRegisters result = slot switch
        {
            0 => this with { Dr0 = address },
            1 => this with { Dr1 = address },
            2 => this with { Dr2 = address },
            _ => this with { Dr3 = address },
        };
        int field = 16 + slot * 4;
        ulong control = Dr7 & ~(0xFUL << field) | ((ulong)type | lengthField << 2) << field;
        return result with { Dr7 = control | 2UL << (slot * 2) };
    }

    internal ulong Address(int slot) => slot switch { 0 => Dr0, 1 => Dr1, 2 => Dr2, _ => Dr3 };
}
