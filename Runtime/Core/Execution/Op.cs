using System.Runtime.InteropServices;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>One decoded instruction, ready to run. Ops of a block lie one behind the other; a handler goes on with <c>op + 1</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
unsafe struct Op
{
    /// <summary>State, op, fuel (instructions that may still retire) → fuel left.</summary>
    [FieldOffset(0)] public delegate*<CpuState*, Op*, long, long> Handler;
    /// <summary>Immediate, extended as the operand says.</summary>
    [FieldOffset(8)] public ulong Imm;
    /// <summary>Block ends with a direct branch: where a taken branch goes on. Until it is linked, the stub <c>this + 1</c>.</summary>
    [FieldOffset(8)] public Op* Taken;
    /// <summary>Displacement of the memory operand, sign-extended; RIP-relative addresses are absolute already.</summary>
    [FieldOffset(16)] public ulong Disp;
    /// <summary>Block ends with a direct branch: where a branch that is not taken goes on. Until it is linked, the stub <c>this + 2</c>.</summary>
    [FieldOffset(16)] public Op* Fall;
    /// <summary>Linked stubs: the next and the previous one that is linked to the same block.</summary>
    [FieldOffset(16)] public Op* NextIncoming;
    [FieldOffset(32)] public Op* PreviousIncoming;
    /// <summary>Address of this instruction (CS-relative), or, in a stub, of the target.</summary>
    [FieldOffset(24)] public ulong Rip;
    /// <summary>State offsets of the register operands by operand position: first, second, third.</summary>
    [FieldOffset(32)] public ushort R1;
    [FieldOffset(34)] public ushort R2;
    [FieldOffset(36)] public ushort R3;
    /// <summary>Conditional branches: not zero when the taken target is no place for code.</summary>
    [FieldOffset(36)] public ushort LeavesSegment;
    /// <summary>State offsets of base and index register, or of a zero.</summary>
    [FieldOffset(38)] public ushort Base;
    [FieldOffset(40)] public ushort Index;
    /// <summary>Stubs: the list of links between pages names this one.</summary>
    [FieldOffset(40)] public bool IsCrossPage;
    /// <summary>State offset of the segment (its base comes first there), or of a zero when flat.</summary>
    [FieldOffset(42)] public ushort Segment;
    /// <summary>Instructions from this one to the end of its block. What is charged at entry and given back when the block is left early.</summary>
    [FieldOffset(44)] public ushort Remaining;
    /// <summary>Shift count of the index: 0–3. Stubs: a <see cref="StubRole"/>.</summary>
    [FieldOffset(46)] public byte Scale;
    /// <summary>Length of the instruction in bytes. Stubs: ops from the last instruction to here.</summary>
    [FieldOffset(47)] public byte Length;

    /// <summary>Address behind this instruction, before truncation to the instruction-pointer width.</summary>
    public readonly ulong NextRip => Rip + Length;
}
