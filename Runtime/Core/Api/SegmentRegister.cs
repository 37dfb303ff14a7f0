namespace FastVcpu;

/// <summary>A segment register with its hidden part (as <c>struct kvm_segment</c>).</summary>
public readonly record struct SegmentRegister
{
    /// <summary>Linear base address.</summary>
    public ulong Base { get; init; }

    /// <summary>Limit in bytes, granularity applied.</summary>
    public uint Limit { get; init; }

    /// <summary>Visible part.</summary>
    public ushort Selector { get; init; }

    /// <summary>Descriptor bits 40–55 without the limit: type (0–3), S (4), DPL (5–6), P (7), AVL (12), L (13), D/B (14), G (15).</summary>
    public ushort Attributes { get; init; }
}
