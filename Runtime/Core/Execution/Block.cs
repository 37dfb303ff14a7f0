namespace FastVcpu.Execution;

/// <summary>A decoded straight run of instructions.</summary>
sealed unsafe class Block
{
    public required BlockKey Key { get; init; }

    /// <summary>The ops: a counter or breakpoint and perhaps coverage in front, the instructions, two stubs.</summary>
    public required Op* Ops { get; init; }

    /// <summary>Ops without the stubs.</summary>
    public required int Count { get; init; }

    /// <summary>Where others enter: the first op, or, once the block is hot, the one behind the counter.</summary>
    public required Op* Entry { get; set; }

    /// <summary>Has been entered often enough for direct pointers.</summary>
    public bool IsWarm { get; set; }

    /// <summary>The op that records coverage, or null.</summary>
    public required Op* Coverage { get; init; }

    /// <summary>Bytes of guest code.</summary>
    public required int Length { get; init; }

    /// <summary>The page that the code begins in, and the next one when it reaches into that.</summary>
    public required CodePage FirstPage { get; init; }

    public CodePage? SecondPage { get; init; }

    /// <summary>Offset of the first byte in its page.</summary>
    public required int PageOffset { get; init; }

    /// <summary>Where the ops are.</summary>
    public required CodeRegion Region { get; init; }

    /// <summary>Where the block stands in the list of its region.</summary>
    public int RegionIndex { get; set; }

    /// <summary>The stubs that are linked to this block: a list through <see cref="Op.NextIncoming"/>.</summary>
    public Op* FirstIncoming { get; private set; }

    public void AddIncoming(Op* stub)
    {
        stub->NextIncoming = FirstIncoming;
        stub->PreviousIncoming = null;
        if (FirstIncoming != null)
        {
            FirstIncoming->PreviousIncoming = stub;
        }
        FirstIncoming = stub;
    }

    public void RemoveIncoming(Op* stub)
    {
        if (stub->NextIncoming != null)
        {
            stub->NextIncoming->PreviousIncoming = stub->PreviousIncoming;
        }
        if (stub->PreviousIncoming != null)
        {
            stub->PreviousIncoming->NextIncoming = stub->NextIncoming;
        }
        else
        {
            FirstIncoming = stub->NextIncoming;
        }
    }
}

/// <summary>What identifies a block: where its bytes are, the address they were decoded for, and the mode.</summary>
/// <param name="HostAddress">Host address of the first byte.</param>
/// <param name="Rip">Instruction pointer of the first instruction.</param>
/// <param name="Mode">Mode word.</param>
readonly record struct BlockKey(ulong HostAddress, ulong Rip, uint Mode)
{
    /// <remarks>The RIP is left out: it has the low bits of the address, and mixed with that it would take them away.</remarks>
    public override int GetHashCode() => (int)(HostAddress * 0x9E3779B97F4A7C15 >> 32) ^ (int)Mode;
}
