using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>
/// Memory accesses that the TLBs do not serve: misses, accesses across pages, MMIO, pages with decoded code, alignment checks. Failures are
/// recorded in the state; nothing here throws because of a guest.
/// </summary>
static unsafe class SlowPath
{
    const ulong FourGigabytes = 1UL << 32;

    /// <summary>Caches the page that a read begins in. False when the access needs the careful way (or will fault).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryFillRead(CpuState* s, ulong address) => TryFill(s, address, AccessKind.Read);

    /// <summary>Caches the page that a write begins in. False when the access needs the careful way (or will fault).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryFillWrite(CpuState* s, ulong address) => TryFill(s, address, AccessKind.Write);

    /// <summary>Where to read <paramref name="size"/> bytes: guest memory, or a copy in the scratch buffer. Null: a fault is recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="address">Linear address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="via">State offset of the segment that the address came from, when it is not that of the memory operand.</param>
    /// <param name="checksAlignment">The instruction is one of those that check it when the system wants it.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* Read(CpuState* s, Op* op, ulong address, uint size, int via = 0, bool checksAlignment = true)
    {
        if (!Check(s, op, address, size, AccessKind.Read, via, checksAlignment))
        {
            return null;
        }
        HostOrder.BeforeRead();
        byte* scratch = &s->FirstScratch;
        if (IsInOnePage(address, size))
        {
            byte* p = Locate(s, address, AccessKind.Read, out ulong physical);
            return p != null || s->Fault != FaultCode.None ? p : Vcpu.Of(s).Mmio.Read(s, physical, scratch, size) ? scratch : null;
        }
        ulong second = Wrap(s, (address + size - 1) & Tlb.PageMask);
        byte* p1 = Locate(s, address, AccessKind.Read, out ulong physical1);
        ulong physical2 = 0;
        byte* p2 = s->Fault == FaultCode.None ? Locate(s, second, AccessKind.Read, out physical2) : null;
        if (s->Fault != FaultCode.None)
        {
            return null;
        }
        uint first = BytesInPage(address);
        return ReadPart(s, p1, physical1, scratch, first) && ReadPart(s, p2, physical2, scratch + first, size - first) ? scratch : null;
    }

    /// <summary>
    /// Where to write <paramref name="size"/> bytes, all of them known to be writable: guest memory, or the scratch buffer with the old bytes,
    /// which <see cref="Commit"/> then writes back. Null: a fault is recorded. A locked access outside one page holds the bus lock until the commit.
    /// A device is read only when the instruction <paramref name="reads"/>; otherwise its old bytes count as zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* Write(CpuState* s, Op* op, ulong address, uint size, bool locked, bool reads = false, int via = 0, bool checksAlignment = true)
    {
        if (!Check(s, op, address, size, AccessKind.Write, via, checksAlignment))
        {
            return null;
        }
        HostOrder.BeforeWrite();
        byte* scratch = &s->FirstScratch;
        if (IsInOnePage(address, size))
        {
            byte* p = Locate(s, address, AccessKind.Write);
            if (p != null)
            {
                NoteWrite(s, address, size);
                return p;
            }
            return s->Fault != FaultCode.None || !ReadOld(s, null, address, scratch, size, reads) ? null : scratch;
        }
        ulong second = Wrap(s, (address + size - 1) & Tlb.PageMask);
        byte* p1 = Locate(s, address, AccessKind.Write);
        byte* p2 = s->Fault == FaultCode.None ? Locate(s, second, AccessKind.Write) : null;
        if (s->Fault != FaultCode.None)
        {
            return null;
        }
        if (locked && p1 != null && p2 != null)
        {
            Vcpu.Of(s).Domain.BusLock.Enter();
        }
        uint first = BytesInPage(address);
        return ReadOld(s, p1, address, scratch, first, reads) && ReadOld(s, p2, second, scratch + first, size - first, reads) ? scratch : null;
    }

    /// <summary>
    /// Writes the scratch buffer to where <see cref="Write"/> was asked for. False: a fault or exit is recorded. Devices come first: the instruction may
    /// start again until they are done, and memory must be as before then.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Commit(CpuState* s, Op* op, ulong address, uint size, bool locked)
    {
        Vcpu cpu = Vcpu.Of(s);
        byte* scratch = &s->FirstScratch;
        byte* p1 = Locate(s, address, AccessKind.Write, out ulong physical1);
        if (IsInOnePage(address, size) && p1 == null)
        {
            return s->Fault == FaultCode.None && cpu.Mmio.Write(s, physical1, scratch, size);
        }
        ulong second = Wrap(s, (address + size - 1) & Tlb.PageMask);
        uint first = Math.Min(size, BytesInPage(address));
        ulong physical2 = 0;
        byte* p2 = first < size && s->Fault == FaultCode.None ? Locate(s, second, AccessKind.Write, out physical2) : p1;
        bool isDone = s->Fault == FaultCode.None
            && (p1 != null || cpu.Mmio.Write(s, physical1, scratch, first))
            && (p2 != null || first == size || cpu.Mmio.Write(s, physical2, scratch + first, size - first));
        if (isDone && p1 != null)
        {
            NoteWrite(s, address, first);
            Unsafe.CopyBlockUnaligned(p1, scratch, first);
        }
        if (isDone && p2 != null && first < size)
        {
            NoteWrite(s, second, size - first);
            Unsafe.CopyBlockUnaligned(p2, scratch + first, size - first);
        }
        Abandon(s, scratch, locked);
        return isDone;
    }

    /// <summary>Ends a locked access that <see cref="Write"/> began and that does not write after all.</summary>
    public static void Abandon(CpuState* s, byte* pointer, bool locked)
    {
        if (locked && pointer == &s->FirstScratch && Vcpu.Of(s).Domain.BusLock is { IsHeldByCurrentThread: true } busLock)
        {
            busLock.Exit();
        }
    }

    /// <summary>
    /// Before bytes of one page are written: drops what has been decoded from them. A page in the write TLB that is not guarded has no code.
    /// </summary>
    public static void NoteWrite(CpuState* s, ulong address, uint size) => NoteWrite(s, Tlb.CurrentSet(s), address, size);

    /// <inheritdoc cref="NoteWrite(CpuState*, ulong, uint)"/>
    public static void NoteWrite(CpuState* s, TlbSet set, ulong address, uint size)
    {
        TlbEntry* entry = Tlb.Entry(s, set, address, write: true);
        if (entry->Tag == (address & Tlb.PageMask))
        {
            return;
        }
        Vcpu cpu = Vcpu.Of(s);
        if (entry->IsOf(address))
        {
            MemoryBlock block = cpu.WrittenBlocks[Tlb.WriteIndex(set, address)];
            cpu.Domain.CodeChanged(block, (ulong)(entry->Pointer(address) - block.Pointer), size);
        }
        else if (cpu.Translator.Translate(cpu, address, AccessKind.Write, set) is { Block: { } block } translation)
        {
            // A device that was written meanwhile has changed the map.
            cpu.Domain.CodeChanged(block, translation.Offset + (address & ~Tlb.PageMask), size);
        }
    }

    /// <summary>Host address of one byte's page content for the given access, or null with a fault recorded, or null without one: MMIO.</summary>
    public static byte* Locate(CpuState* s, ulong address, AccessKind kind) => Locate(s, Tlb.CurrentSet(s), address, kind, out _);

    /// <summary>As <see cref="Locate(CpuState*, ulong, AccessKind)"/>; for MMIO with the physical address.</summary>
    public static byte* Locate(CpuState* s, ulong address, AccessKind kind, out ulong physical) => Locate(s, Tlb.CurrentSet(s), address, kind, out physical);

    /// <summary>As <see cref="Locate(CpuState*, ulong, AccessKind)"/>, with the rights of a TLB set. The address is canonical.</summary>
    public static byte* Locate(CpuState* s, TlbSet set, ulong address, AccessKind kind) => Locate(s, set, address, kind, out _);

    static byte* Locate(CpuState* s, TlbSet set, ulong address, AccessKind kind, out ulong physical)
    {
        TlbEntry* entry = Tlb.Entry(s, set, address, kind == AccessKind.Write);
        Vcpu cpu;
        if (entry->IsOf(address))
        {
            physical = 0;
            if (kind == AccessKind.Write && entry->Tag != (address & Tlb.PageMask))
            {
                cpu = Vcpu.Of(s);
                MemoryBlock known = cpu.WrittenBlocks[Tlb.WriteIndex(set, address)];
                Cache(s, cpu, set, address, kind, known, (ulong)(entry->Pointer(address & Tlb.PageMask) - known.Pointer));
            }
            return entry->Pointer(address);
        }
        if (Tlb.TryFindDevice(s, set, address, kind, out physical))
        {
            return null;
        }
        cpu = Vcpu.Of(s);
        Translation translation = cpu.Translator.Translate(cpu, address, kind, set);
        if (translation.Status == TranslationStatus.PageFault)
        {
            // A fault invalidates what is cached of the page (SDM Vol. 3 4.10.4.1), so that more rights need no INVLPG.
            cpu.ForgetPage(address);
            Raise.PageFault(s, address, translation.ErrorCode);
            return null;
        }
        if (translation.Block is not { } block)
        {
            Tlb.FillDevice(s, set, address, kind, translation.Physical);
            physical = translation.Physical | address & ~Tlb.PageMask;
            return null;
        }
        Cache(s, cpu, set, address, kind, block, translation.Offset);
        // Reads and writes of a page see the same memory, also after a change of the page tables that no flush has announced.
        TlbEntry* other = Tlb.Entry(s, set, address, kind != AccessKind.Write);
        if (other->IsOf(address) && other->Addend != entry->Addend)
        {
            other->Tag = Tlb.Empty;
        }
        return entry->Pointer(address);
    }

    /// <summary>Fills the entry of a page, guarded if accesses have to be noticed. A write to it may follow.</summary>
    static void Cache(CpuState* s, Vcpu cpu, TlbSet set, ulong address, AccessKind kind, MemoryBlock block, ulong offset)
    {
        bool isGuarded = (s->WatchedKinds >> (int)kind & 1) != 0 && cpu.Debugging.WatchesPage(address, kind);
        if (kind == AccessKind.Write)
        {
            block.NoteGuestWrite(offset);
            isGuarded |= block.CodeBlocks(offset) != 0;
            cpu.WrittenBlocks[Tlb.WriteIndex(set, address)] = block;
        }
        ulong page = address & Tlb.PageMask;
        *Tlb.Entry(s, set, address, kind == AccessKind.Write) = new TlbEntry { Tag = page | (isGuarded ? Tlb.Guard : 0), Addend = (ulong)(block.Pointer + offset) - page };
    }

    /// <summary>True for addresses that 64-bit mode can form: sign-extended from bit 47, or bit 56 with 5-level paging.</summary>
    public static bool IsCanonical(CpuState* s, ulong address) => (ulong)((long)(address << s->LinearShift) >> s->LinearShift) == address;

    static bool TryFill(CpuState* s, ulong address, AccessKind kind)
    {
        TlbEntry* entry = Tlb.Entry(s, Tlb.CurrentSet(s), address, kind == AccessKind.Write);
        // A page that is cached and missed all the same: the access reaches into the next one. Devices are never cached as memory.
        if (s->Fault != FaultCode.None || entry->Tag == (address & Tlb.PageMask) || Tlb.TryFindDevice(s, Tlb.CurrentSet(s), address, kind, out _) || !IsCanonical(s, address))
        {
            return false;
        }
        // A fault found here is found again, and reported, by the careful handler.
        bool filled = Locate(s, address, kind) != null && entry->Tag == (address & Tlb.PageMask);
        s->Fault = FaultCode.None;
        return filled;
    }

    /// <summary>A part of an operand that lies in one page: from memory, or from a device when there is none.</summary>
    static bool ReadPart(CpuState* s, byte* memory, ulong physical, byte* destination, uint size)
    {
        if (memory == null)
        {
            return Vcpu.Of(s).Mmio.Read(s, physical, destination, size);
        }
        Unsafe.CopyBlockUnaligned(destination, memory, size);
        return true;
    }

    /// <summary>The old bytes of a part that is to be written. A read-only slot is a device for writes and memory for reads.</summary>
    static bool ReadOld(CpuState* s, byte* writable, ulong address, byte* destination, uint size, bool reads)
    {
        if (writable != null || !reads)
        {
            if (writable != null)
            {
                Unsafe.CopyBlockUnaligned(destination, writable, size);
            }
            else
            {
                Unsafe.InitBlockUnaligned(destination, 0, size);
            }
            return true;
        }
        byte* readable = Locate(s, address, AccessKind.Read, out ulong physical);
        return s->Fault == FaultCode.None && ReadPart(s, readable, physical, destination, size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint BytesInPage(ulong address) => (uint)(MemoryBlock.PageSize - (address & ~Tlb.PageMask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsInOnePage(ulong address, uint size) => ((address ^ (address + size - 1)) & Tlb.PageMask) == 0;

    /// <summary>Linear addresses wrap at 4 GiB outside 64-bit mode.</summary>
    static ulong Wrap(CpuState* s, ulong address) => (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? address : (uint)address;

    /// <summary>
    /// A watchpoint that the access touches is recorded; in a block of several instructions, the instruction first starts again by itself.
    /// </summary>
    static bool NoteWatched(CpuState* s, ulong address, uint size, AccessKind kind)
    {
        uint hits = Vcpu.Of(s).Debugging.MatchData(address, size, kind == AccessKind.Write);
        if (hits != 0 && s->IsSingle == 0)
        {
            s->Fault = FaultCode.Restart;
            return false;
        }
        s->PendingDebug |= hits;
        return true;
    }

    /// <summary>What is checked before translation: earlier segment faults, canonical form or the end of a flat segment, alignment, watchpoints.</summary>
    static bool Check(CpuState* s, Op* op, ulong address, uint size, AccessKind kind, int via, bool checksAlignment)
    {
        if (s->Fault != FaultCode.None)
        {
            return false;
        }
        int segment = via != 0 ? via : op->Segment;
        if ((s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64
            ? !IsCanonical(s, address) || !IsCanonical(s, address + size - 1) || !HasCanonicalOffset(s, segment, address)
            : Offset(s, segment, address) + size > FourGigabytes)
        {
            // SDM Vol. 3 6.15: through the stack segment it is #SS.
            if (segment is CpuState.ZeroStackOffset or CpuState.SsOffset)
            {
                Raise.StackFault(s, 0);
            }
            else
            {
                Raise.GeneralProtection(s, 0);
            }
            return false;
        }
        if (checksAlignment && (s->Mode & CpuMode.AlignmentCheck) != 0 && (address & (uint)(Alignment(size) - 1)) != 0)
        {
            Raise.Exception(s, FaultCode.AlignmentCheck, 0);
            return false;
        }
        return (s->WatchedKinds >> (int)kind & 1) == 0 || NoteWatched(s, address, size, kind);
    }

    /// <summary>
    /// Records #AC for the first field of an operand that is misaligned, if alignment is checked, no other fault has been found, and the address can be one: the limit for what lies behind the
    /// field is looked at later.
    /// </summary>
    public static void CheckAlignment(CpuState* s, ulong address, uint alignment)
    {
        if ((s->Mode & CpuMode.AlignmentCheck) != 0 && (address & (alignment - 1)) != 0 && s->Fault == FaultCode.None && IsCanonical(s, address))
        {
            Raise.Exception(s, FaultCode.AlignmentCheck, 0);
        }
    }

    /// <summary>The offset in its segment that a linear address came from. Without a segment it is flat.</summary>
    static ulong Offset(CpuState* s, int segment, ulong address) => segment == 0 ? address : (uint)(address - *(ulong*)((byte*)s + segment));

    /// <summary>AMD's processors want the address before the base of FS or GS is added to be canonical, too.</summary>
    static bool HasCanonicalOffset(CpuState* s, int segment, ulong address) =>
        segment < CpuState.FsOffset || IsCanonical(s, address - *(ulong*)((byte*)s + segment));

    /// <summary>
    /// The alignment that #AC wants for an operand (SDM Vol. 3 table 6-7): its size, or that of its fields; 8 for the ten bytes of the x87, and 16 for
    /// longer ones (measured).
    /// </summary>
    static uint Alignment(uint size) => size == 10 ? 8 : Math.Min(size & (0 - size), 16);
}
