using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Execution;

/// <summary>One CPU's decoded code: found by address and mode, linked, invalidated to the byte, dropped in pieces when there is no more room.</summary>
sealed unsafe class BlockCache : IDisposable
{
    /// <summary>Entries after which all handlers of a block are compiled for certain, and direct pointers worth their while.</summary>
    public const ulong WarmCount = 100;

    readonly Vcpu cpu;
    readonly CpuState* s;
    readonly OpArena arena;
    readonly Dictionary<BlockKey, Block> blocks = [];
    readonly Dictionary<ulong, CodePage> pages = [];
    readonly List<CodeRegion> crossPageRegions = [];

    public BlockCache(Vcpu cpu, CpuState* state, long byteLimit)
    {
        this.cpu = cpu;
        s = state;
        arena = new OpArena(byteLimit);
        ForgetAddresses();
    }

    /// <summary>Blocks decoded since the CPU was made.</summary>
    public long Built { get; private set; }

    public int Count => blocks.Count;

    /// <summary>Host memory that decoded instructions may take, in bytes.</summary>
    public long Limit
    {
        get => arena.Limit;
        set
        {
            arena.Limit = value;
            if (arena.Bytes > value)
            {
                Clear();
            }
        }
    }

    /// <summary>Host memory that decoded instructions take, in bytes.</summary>
    public long Bytes => arena.Bytes;

    /// <summary>Regions that were emptied to make room.</summary>
    public long Evictions { get; private set; }

    /// <summary>Entries of a warm block after which it is worth the time that compiling handlers for its pairs takes, half a millisecond for each that is new.</summary>
    public ulong HotCount { get; set; } = 20_000;

    /// <summary>A hot block waits for the handlers of its pairs; otherwise it runs on and looks for them again.</summary>
    public bool WaitsForFusion { get; set; }

    /// <summary>The entry of the block at the CPU's RIP in a mode, decoded if need be. Null: a fetch fault is recorded.</summary>
    public Op* Find(uint mode)
    {
        ulong rip = s->Rip;
        JumpCacheEntry* cached = CacheEntry(rip, mode);
        if (cached->Rip == rip && cached->Mode == mode)
        {
            return cached->Op;
        }
        if (rip > s->Cs.Limit && (mode & CpuMode.CodeSizeMask) != CpuMode.Code64)
        {
            Raise.GeneralProtection(s, 0);
            return null;
        }
        ulong linear = CodeFetch.Linear(s, rip);
        if (!CodeFetch.TryLocate(cpu, s, linear, out MemoryBlock? memory, out ulong offset))
        {
            return null;
        }
        BlockKey key = new((ulong)memory.Pointer + offset, rip, mode);
        if (blocks.TryGetValue(key, out Block? block) && block.SecondPage != null && !IsStillBehind(block, linear))
        {
            if (s->Fault != FaultCode.None)
            {
                return null;
            }
            Drop(block);
            block = null;
        }
        block ??= Build(key, memory, offset);
        if (block == null)
        {
            return null;
        }
        *cached = new JumpCacheEntry { Rip = rip, Op = block.Entry, Mode = mode };
        return block.Entry;
    }

    /// <summary>The page that the last bytes of a block come from is still the one that follows the first. False, too, when it cannot be fetched from: a fault is recorded.</summary>
    bool IsStillBehind(Block block, ulong linear)
    {
        ulong next = CodeFetch.Linear(s, InstructionPointer.Truncate(s, block.Key.Mode, block.Key.Rip + MemoryBlock.PageSize - (linear & ~Tlb.PageMask)));
        return CodeFetch.TryLocate(cpu, s, next, out MemoryBlock? memory, out ulong offset)
            && memory == block.SecondPage!.Memory && offset == block.SecondPage.Offset;
    }

    /// <summary>Blocks of one instruction, which only the dispatcher looks for, are kept apart from those at the same address.</summary>
    JumpCacheEntry* CacheEntry(ulong rip, uint mode) => JumpCache.Entry(s, (mode & CpuMode.OneInstruction) == 0 ? rip : rip ^ CpuState.JumpCacheEntries / 2);

    /// <summary>Makes <paramref name="stub"/> lead to the block at <paramref name="entry"/>.</summary>
    public void Link(Op* stub, Op* entry)
    {
        if (BlockAt(entry) is not { } target)
        {
            return;
        }
        target.AddIncoming(stub);
        if (((stub - stub->Length)->Rip ^ entry->Rip) > ~Tlb.PageMask || target.SecondPage != null)
        {
            NoteCrossPageLink(stub);
        }
        SetLink(stub, entry);
        stub->Handler = &Stubs.Goto;
    }

    /// <summary>
    /// The block whose counter is <paramref name="entry"/> has been entered often: first its ops get pointers to the handlers' code itself instead of to the
    /// runtime's indirection cells; the second time, pairs of ops get one handler, and whoever enters passes the counter by.
    /// </summary>
    /// <returns>Where the block is entered from now on.</returns>
    public Op* Promote(Op* entry)
    {
        if (BlockAt(entry) is not { } block)
        {
            return entry;
        }
        Op* first = entry + 1, last = entry + block.Count - 1;
        if (!block.IsWarm)
        {
            block.IsWarm = true;
            entry->Imm = HotCount;
            for (Op* op = first; op <= last; op++)
            {
                op->Handler = DirectPointer.Of(op->Handler);
            }
            return entry;
        }
        // From the end backwards, as a comparison and the branch behind it gain most.
        bool isComplete = true;
        Op* firstFused = null;
        for (Op* op = last - 1; op >= first; op--)
        {
            if (!Fusion.TryFind(op, WaitsForFusion, out var fused))
            {
                isComplete = false;
                op--;
            }
            else if (fused != null)
            {
                op->Handler = fused;
                firstFused = op;
                op--;
            }
        }
        if (isComplete && block.Coverage != null)
        {
            // The op that records coverage shares a handler with the pair behind it, or with the instruction behind it, so that it costs no jump.
            Op* behind = block.Coverage + 1;
            Front front = cpu.Coverage!.Front;
            isComplete = firstFused == behind
                ? Fusion.TryFind(behind, WaitsForFusion, out var recording, front)
                : Fusion.TryFindSingle(behind, WaitsForFusion, out recording, front);
            block.Coverage->Handler = recording == null ? block.Coverage->Handler : recording;
        }
        if (!isComplete)
        {
            entry->Imm = Math.Max(1, HotCount / 4);
            return entry;
        }
        block.Entry = first;
        for (Op* stub = block.FirstIncoming; stub != null; stub = stub->NextIncoming)
        {
            SetLink(stub, first);
        }
        JumpCacheEntry* cached = CacheEntry(block.Key.Rip, block.Key.Mode);
        if (cached->Op == entry)
        {
            cached->Op = first;
        }
        return first;
    }

    /// <summary>Drops the blocks that hold any of the bytes from <paramref name="first"/> up to, not including, <paramref name="last"/> of a page.</summary>
    /// <param name="page">Host address of the page's first byte, which need not be aligned.</param>
    /// <param name="first">First byte that has changed.</param>
    /// <param name="last">End of the bytes that have changed.</param>
    public void Invalidate(nint page, int first, int last)
    {
        if (pages.TryGetValue((ulong)page, out CodePage? code) && (code.Lines & CodePage.LineMask(first, last)) != 0)
        {
            Invalidate(code, (ulong)page, first, last);
        }
    }

    /// <summary>Drops the blocks that hold a byte at this place of a page, in whatever page.</summary>
    public void DropAt(int pageOffset)
    {
        foreach (Block block in blocks.Values.ToArray())
        {
            int end = block.PageOffset + block.Length;
            if ((pageOffset >= block.PageOffset && pageOffset < end) || pageOffset < end - (int)MemoryBlock.PageSize)
            {
                Drop(block);
            }
        }
    }

    /// <summary>
    /// Forgets which block is at which linear address: translations have changed. The decoded code stays, and so do links to code that lies in the same page as a whole.
    /// </summary>
    public void ForgetAddresses()
    {
        foreach (CodeRegion region in crossPageRegions)
        {
            foreach (nint stub in region.CrossPageLinks)
            {
                ((Op*)stub)->IsCrossPage = false;
                Unlink((Op*)stub);
            }
            region.CrossPageLinks.Clear();
            region.IsListed = false;
        }
        crossPageRegions.Clear();
        new Span<JumpCacheEntry>(&s->FirstJumpCacheEntry, CpuState.JumpCacheEntries).Fill(new JumpCacheEntry { Mode = JumpCache.EmptyMode });
        ReturnStack.Clear(s);
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        foreach (Block block in blocks.Values)
        {
            NoteDropped(block);
            block.FirstPage.Remove(block);
            block.SecondPage?.Remove(block);
        }
        blocks.Clear();
        pages.Clear();
        crossPageRegions.Clear();
        s->LinkSource = null;
        ForgetAddresses();
        arena.Clear();
    }

    /// <summary>The blocks that have been run since coverage has this mark.</summary>
    public IEnumerable<ulong> Covered(uint epoch) => blocks.Values.Where(block => IsCovered(block, epoch)).Select(block => CodeFetch.Linear(s, block.Key.Rip));

    /// <summary>The careful flavour of an op's handler.</summary>
    /// <remarks>Inlined, its local would be one of the caller, and where the runtime takes that one's address, the caller no longer jumps to the handler.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static delegate*<CpuState*, Op*, long, long> CarefulHandler(CpuState* s, Op* op)
    {
        HandlerKey key = CodeRegion.Key(op);
        CarefulEntry* entry = &s->FirstCarefulEntry + (key.Value & (CpuState.CarefulEntries - 1));
        if (entry->KeyPlusOne != key.Value + 1)
        {
            *entry = new CarefulEntry { KeyPlusOne = key.Value + 1, Handler = HandlerCache.Find(key.With(Flavour.Careful)) };
        }
        return entry->Handler;
    }

    public void Dispose()
    {
        Clear();
        arena.Dispose();
    }

    Block? Build(BlockKey key, MemoryBlock memory, ulong offset)
    {
        using CodePin firstPin = new(cpu, memory, offset);
        BlockBuilder builder = new(cpu, s, key.Mode);
        builder.Decode(key.Rip, memory, offset);
        if (builder.Instructions == 0)
        {
            return null;
        }
        CodeRegion region = RegionWithRoom(builder.OpCount);
        Op* ops = region.Allocate(builder.OpCount);
        Op* coverage = builder.Emit(ops);
        CodePage first = Page(memory, offset);
        int start = (int)(offset & 0xFFF), end = start + builder.Length;
        CodePage? second = builder.SecondPage is { } next ? Page(next.Memory, next.Offset) : null;
        Block block = new()
        {
            Key = key,
            Region = region,
            Ops = ops,
            Count = builder.OpCount - BlockBuilder.StubCount,
            Entry = ops,
            Coverage = coverage,
            Length = builder.Length,
            FirstPage = first,
            SecondPage = second,
            PageOffset = start,
        };
        first.Add(block, start, Math.Min(end, (int)MemoryBlock.PageSize));
        second?.Add(block, 0, end - (int)MemoryBlock.PageSize);
        builder.SecondPage?.Dispose();
        region.Add(block);
        blocks.Add(key, block);
        Built++;
        return block;
    }

    CodeRegion RegionWithRoom(int ops)
    {
        if (arena.Current is { } current && current.HasRoom(ops))
        {
            return current;
        }
        if (arena.TryGrow())
        {
            return arena.Current!;
        }
        Empty(arena.Reuse());
        return arena.Current!;
    }

    CodePage Page(MemoryBlock memory, ulong offset)
    {
        ulong host = (ulong)memory.Pointer + (offset & Tlb.PageMask);
        if (!pages.TryGetValue(host, out CodePage? page))
        {
            page = new CodePage(memory, offset & Tlb.PageMask);
            pages.Add(host, page);
        }
        return page;
    }

    void Invalidate(CodePage code, ulong page, int first, int last)
    {
        for (int i = code.Blocks.Count - 1; i >= 0; i--)
        {
            Block block = code.Blocks[i];
            // A block that began on the page before covers the first bytes of this one.
            long start = block.FirstPage == code ? block.PageOffset : block.PageOffset - (long)MemoryBlock.PageSize;
            if (start < last && start + block.Length > first)
            {
                Drop(block);
            }
        }
    }

    /// <summary>Takes a block out. If it is running, its next instruction leaves to the dispatcher.</summary>
    void Drop(Block block)
    {
        Detach(block);
        block.Region.Remove(block);
        for (int i = 0; i < block.Count; i++)
        {
            block.Ops[i].Handler = &Stubs.Stale;
        }
    }

    /// <summary>Drops all blocks of a region, so that its memory can be used again. No block is running.</summary>
    void Empty(CodeRegion region)
    {
        Evictions++;
        foreach (Block block in region.Blocks)
        {
            Detach(block);
        }
        region.Clear();
        // Calls of blocks that went earlier may wait there too.
        ReturnStack.Clear(s);
    }

    /// <summary>Nothing leads to a block any more, nor from it to others.</summary>
    void Detach(Block block)
    {
        NoteDropped(block);
        blocks.Remove(block.Key);
        Leave(block.FirstPage, block);
        if (block.SecondPage is { } second)
        {
            Leave(second, block);
        }
        while (block.FirstIncoming != null)
        {
            Unlink(block.FirstIncoming);
        }
        for (Op* stub = block.Ops + block.Count; stub < block.Ops + block.Count + BlockBuilder.StubCount; stub++)
        {
            Unlink(stub);
            // A call that is just dropping its own block goes on through its stub; nobody may link that again.
            stub->Handler = &Stubs.Stale;
        }
        if (s->LinkSource >= block.Ops && s->LinkSource < block.Ops + block.Count + BlockBuilder.StubCount)
        {
            s->LinkSource = null;
        }
        JumpCacheEntry* cached = CacheEntry(block.Key.Rip, block.Key.Mode);
        if (cached->Op == block.Entry)
        {
            cached->Mode = JumpCache.EmptyMode;
        }
    }

    void Leave(CodePage page, Block block)
    {
        page.Remove(block);
        if (page.Blocks.Count == 0)
        {
            pages.Remove((ulong)page.Memory.Pointer + page.Offset);
        }
    }

    /// <summary>The block that is entered at an op, or null.</summary>
    Block? BlockAt(Op* entry) => arena.RegionOf(entry).BlockAt(entry);

    void NoteCrossPageLink(Op* stub)
    {
        CodeRegion region = arena.RegionOf(stub);
        if (!region.IsListed)
        {
            region.IsListed = true;
            crossPageRegions.Add(region);
        }
        if (!stub->IsCrossPage)
        {
            stub->IsCrossPage = true;
            region.CrossPageLinks.Add((nint)stub);
        }
    }

    static bool IsCovered(Block block, uint epoch) => block.Coverage != null && block.Coverage->Disp == epoch;

    void NoteDropped(Block block)
    {
        if (cpu.Coverage is { Front: Front.EdgesAndBlocks } coverage && IsCovered(block, coverage.Epoch))
        {
            coverage.NoteDropped(CodeFetch.Linear(s, block.Key.Rip));
        }
    }

    /// <summary>Makes a stub that is linked lead to the dispatcher again.</summary>
    void Unlink(Op* stub)
    {
        if (stub->Taken != stub)
        {
            BlockAt(stub->Taken)!.RemoveIncoming(stub);
            SetLink(stub, stub);
            stub->Handler = &Stubs.Unlinked;
        }
    }

    /// <summary>Points a stub, and the branch in front of it, to an op.</summary>
    static void SetLink(Op* stub, Op* target)
    {
        stub->Taken = target;
        Op* branch = stub - stub->Length;
        switch ((StubRole)stub->Scale)
        {
            case StubRole.Taken:
                branch->Taken = target;
                break;
            case StubRole.Fall:
                branch->Fall = target;
                break;
        }
    }
}
