using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>What a stub stands for; kept in its <see cref="Op.Scale"/>.</summary>
enum StubRole : byte
{
    /// <summary>The taken target of a direct branch.</summary>
    Taken,
    /// <summary>The address behind a conditional branch.</summary>
    Fall,
    /// <summary>The block behind one that ends without a branch, or where a call returns to.</summary>
    Next,
}

/// <summary>Decodes one block: a straight run up to a branch, the end of the page, or a cap.</summary>
unsafe ref struct BlockBuilder
{
    const int MaxInstructions = 64;
    const int MaxInstructionLength = 15;

    /// <summary>Stubs behind the last instruction.</summary>
    public const int StubCount = 2;

    readonly Vcpu cpu;
    readonly CpuState* s;
    readonly uint mode;
    Buffer buffer;
    BlockEnd end;
    ulong branchTarget;
    bool hasBreakpoint, hasCoverage;
    int comparisons;
    bool mayLeaveSegment, callsOutside;

    public BlockBuilder(Vcpu cpu, CpuState* state, uint mode)
    {
        this.cpu = cpu;
        s = state;
        this.mode = mode;
    }

    [System.Runtime.CompilerServices.InlineArray(MaxInstructions)]
    struct Buffer
    {
        Instruction first;
    }

    struct Instruction
    {
        public Op Op;
        public Decoded Decoded;
        /// <summary>What it compares (<see cref="CompareSite"/>), while comparisons are logged; otherwise 0.</summary>
        public ushort Compares;
    }

    /// <summary>Instructions decoded, a stand-in for undecodable bytes included.</summary>
    public int Instructions { get; private set; }

    /// <summary>Ops that <see cref="Emit"/> needs: a breakpoint or counter, coverage, the instructions, the stubs.</summary>
    public readonly int OpCount => (HasFront ? 1 : 0) + (hasCoverage ? 1 : 0) + comparisons + Instructions + StubCount;

    /// <summary>Blocks of one instruction are entered by the dispatcher only, which looks for breakpoints itself.</summary>
    readonly bool HasFront => (mode & CpuMode.OneInstruction) == 0;

    /// <summary>Bytes of code.</summary>
    public int Length { get; private set; }

    /// <summary>The page that the last instruction reaches into, if it does. The receiver ends the pin.</summary>
    public CodePin? SecondPage { get; private set; }

    /// <summary>Reads and decodes. Without an instruction afterwards, the fetch of the first one faulted and the fault is recorded.</summary>
    public void Decode(ulong rip, MemoryBlock memory, ulong offset)
    {
        int inPage = (int)(MemoryBlock.PageSize - (offset & 0xFFF));
        ReadOnlySpan<byte> page = new(memory.Pointer + offset, inPage);
        int cap = (mode & CpuMode.OneInstruction) != 0 ? 1 : MaxInstructions;
        ulong limit = (mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? ulong.MaxValue : s->Cs.Limit;
        end = BlockEnd.None;
        bool looksForBreakpoints = HasFront && (cpu.Debugging.HasCodeBreakpoints || cpu.HasHooks), logsComparisons = HasFront && cpu.CompareLog != null;
        hasCoverage = HasFront && cpu.Coverage != null;
        while (Instructions < cap && Length < inPage && rip + (ulong)Length <= limit)
        {
            if (looksForBreakpoints && MayBreakAt((int)(offset & 0xFFF) + Length))
            {
                if (Instructions > 0)
                {
                    break;
                }
                hasBreakpoint = true;
            }
            ref Instruction current = ref buffer[Instructions];
            ulong at = rip + (ulong)Length;
            ReadOnlySpan<byte> code = page[Length..];
            DecodeOne(code, at, ref current);
            if (current.Decoded.Status == DecodeStatus.Incomplete)
            {
                // Bytes of the next page count only for an instruction that begins a block: before it, a fetch fault would come too early.
                if (Instructions > 0)
                {
                    break;
                }
                if (limit - at < (ulong)code.Length)
                {
                    // What is missing lies beyond the limit, and is not fetched.
                    (current.Decoded.Status, current.Decoded.Length) = (DecodeStatus.TooLong, (byte)code.Length);
                }
                else
                {
                    DecodeAcrossPages(code, at, ref current);
                }
            }
            if (current.Decoded.Status == DecodeStatus.Incomplete)
            {
                return;
            }
            if (current.Decoded.Status != DecodeStatus.TooLong && limit - at < (ulong)current.Decoded.Length - 1)
            {
                current.Decoded.Status = DecodeStatus.TooLong;
            }
            current.Compares = logsComparisons && current.Decoded.Status == DecodeStatus.Ok ? Compares(code[..Math.Min(code.Length, current.Decoded.Length)], current.Decoded.Key) : (ushort)0;
            comparisons += current.Compares != 0 ? 1 : 0;
            Instructions++;
            Length += current.Decoded.Length;
            if (current.Decoded.Status != DecodeStatus.Ok)
            {
                end = BlockEnd.Exit;
                break;
            }
            if (current.Decoded.End != BlockEnd.None)
            {
                end = current.Decoded.End;
                branchTarget = current.Op.Imm;
                CheckTarget(limit, ref current.Decoded);
                break;
            }
        }
    }

    readonly ushort Compares(ReadOnlySpan<byte> code, HandlerKey key)
    {
        uint size = mode & CpuMode.CodeSizeMask;
        CompareSite site = CompareSite.Of(code, size == CpuMode.Code64, key);
        return site.IsCall && (size == CpuMode.Code16 || !cpu.CompareLog!.WantsCalls) ? (ushort)0 : site.Packed;
    }

    readonly bool MayBreakAt(int pageOffset) => cpu.Debugging.MayBreakAt(pageOffset) || cpu.MayHookAt(pageOffset);

    /// <summary>A branch out of the code segment, or to where no code can be, is the branch's own fault and does nothing.</summary>
    void CheckTarget(ulong limit, ref Decoded branch)
    {
        if (end is not (BlockEnd.Jcc or BlockEnd.Jump or BlockEnd.Call) || (branchTarget <= limit && (limit != ulong.MaxValue || SlowPath.IsCanonical(s, branchTarget))))
        {
            return;
        }
        mayLeaveSegment = end == BlockEnd.Jcc;
        callsOutside = end == BlockEnd.Call;
        if (!mayLeaveSegment)
        {
            branch.Status = DecodeStatus.TooLong;
            end = BlockEnd.Exit;
        }
    }

    /// <summary>Writes the ops and the stubs, charges and handlers chosen.</summary>
    /// <returns>The op that records coverage, or null.</returns>
    public Op* Emit(Op* ops)
    {
        Op* coverage = null;
        ChooseFlavours();
        if (HasFront)
        {
            *ops = new Op { Handler = hasBreakpoint ? &Stubs.Breakpoint : &Stubs.Count, Imm = BlockCache.WarmCount, Rip = buffer[0].Op.Rip, Remaining = (ushort)Instructions };
            CodeRegion.Key(ops++) = new HandlerKey(OpArena.StubKey);
        }
        if (hasCoverage)
        {
            ulong rip = buffer[0].Op.Rip;
            *ops = new Op { Rip = rip, Remaining = (ushort)Instructions, Imm = cpu.Coverage!.Location(CodeFetch.Linear(s, rip)) };
            ops->Handler = cpu.Coverage.Front == Front.Edges ? &Stubs.Coverage<EdgeFront> : &Stubs.Coverage<BlockFront>;
            CodeRegion.Key(ops) = new HandlerKey(OpArena.StubKey);
            coverage = ops++;
        }
        for (int i = 0; i < Instructions; i++, ops++)
        {
            ref Instruction current = ref buffer[i];
            *ops = current.Op;
            ops->Remaining = (ushort)(Instructions - i);
            if (current.Compares != 0)
            {
                ops->R3 = current.Compares;
                ops->Handler = &Stubs.Compare;
                CodeRegion.Key(ops) = new HandlerKey(OpArena.StubKey);
                ops[1] = current.Op;
                ops[1].Remaining = ops->Remaining;
                ops++;
            }
            CodeRegion.Key(ops) = current.Decoded.Status == DecodeStatus.Ok ? current.Decoded.Key : new HandlerKey(OpArena.StubKey);
            ops->Handler = current.Decoded.Status switch
            {
                DecodeStatus.Ok => HandlerCache.Find(current.Decoded.Key),
                DecodeStatus.Undefined => &Stubs.Undefined,
                DecodeStatus.NotAvailable => &Stubs.NotAvailable,
                _ => &Stubs.Forbidden,
            };
        }
        Op* last = ops - 1;
        if (callsOutside)
        {
            last->Handler = &Stubs.CallOutside;
            last->Scale = (byte)(sizeof(ushort) << buffer[Instructions - 1].Decoded.Key.Width);
        }
        ulong behind = InstructionPointer.Truncate(s, mode, last->NextRip);
        bool branches = end is BlockEnd.Jcc or BlockEnd.Jump or BlockEnd.Call;
        EmitStub(last + 1, branches ? branchTarget : behind, 1, branches ? StubRole.Taken : StubRole.Next);
        EmitStub(last + 2, behind, 2, end == BlockEnd.Jcc ? StubRole.Fall : StubRole.Next);
        if (mayLeaveSegment)
        {
            last->LeavesSegment = 1;
            last[1].Handler = &Stubs.Outside;
        }
        if (branches)
        {
            last->Taken = last + 1;
            if (end == BlockEnd.Jcc)
            {
                last->Fall = last + 2;
            }
        }
        return coverage;
    }

    readonly void DecodeOne(ReadOnlySpan<byte> code, ulong rip, ref Instruction instruction)
    {
        fixed (Op* op = &instruction.Op)
        {
            *op = default;
            Decoder.Decode(code, rip, mode, cpu.Features, op, out instruction.Decoded);
            op->Rip = rip;
            op->Length = instruction.Decoded.Length;
        }
    }

    void DecodeAcrossPages(ReadOnlySpan<byte> start, ulong rip, ref Instruction instruction)
    {
        Span<byte> bytes = stackalloc byte[MaxInstructionLength + 1];
        start.CopyTo(bytes);
        ulong next = CodeFetch.Linear(s, InstructionPointer.Truncate(s, mode, rip + (ulong)start.Length));
        if (!CodeFetch.TryLocate(cpu, s, next, out MemoryBlock? memory, out ulong offset))
        {
            return;
        }
        SecondPage = new CodePin(cpu, memory, offset);
        new ReadOnlySpan<byte>(memory.Pointer + offset, bytes.Length - start.Length).CopyTo(bytes[start.Length..]);
        DecodeOne(bytes, rip, ref instruction);
    }

    /// <summary>Finds flags that nobody sees before they are overwritten, from the end backwards.</summary>
    void ChooseFlavours()
    {
        uint live = Flags.Mask;
        for (int i = Instructions - 1; i >= 0; i--)
        {
            ref Decoded decoded = ref buffer[i].Decoded;
            if (decoded.Status != DecodeStatus.Ok)
            {
                live = Flags.Mask;
                continue;
            }
            if (live == 0 && decoded.Key.Flavour == Flavour.Fast && decoded.FlagsWritten != 0)
            {
                decoded.Key = decoded.Key.With(Flavour.FastDeadFlags);
            }
            live = decoded.MayFault ? Flags.Mask : (live & ~decoded.FlagsWritten) | decoded.FlagsRead;
        }
    }

    static void EmitStub(Op* stub, ulong rip, byte distance, StubRole role)
    {
        *stub = new Op { Handler = &Stubs.Unlinked, Taken = stub, Rip = rip, Length = distance, Scale = (byte)role };
        CodeRegion.Key(stub) = new HandlerKey(OpArena.StubKey);
    }
}
