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
    /// <summary>Caches the page of a read. False when the access needs the careful way (or will fault).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryFillRead(CpuState* s, ulong address, uint size) =>
        s->Fault == FaultCode.None && IsInOnePage(address, size) && TryFill(s, address, AccessKind.Read);

    /// <summary>Caches the page of a write. False when the access needs the careful way (or will fault).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryFillWrite(CpuState* s, ulong address, uint size) =>
        s->Fault == FaultCode.None && IsInOnePage(address, size) && TryFill(s, address, AccessKind.Write);

    /// <summary>Where to read <paramref name="size"/> bytes: guest memory, or a copy in the scratch buffer. Null: a fault is recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* Read(CpuState* s, Op* op, ulong address, uint size)
    {
        if (!Check(s, op, address, size))
        {
            return null;
        }
        if (IsInOnePage(address, size))
        {
            byte* p = Locate(s, address, AccessKind.Read);
            return p != null || s->Fault != FaultCode.None ? p : Vcpu.Of(s).Mmio.Read(s, address, size);
        }
        byte* scratch = &s->FirstScratch;
        for (uint done = 0; done < size;)
        {
            ulong at = Wrap(s, address + done);
            uint count = Math.Min(size - done, (uint)(MemoryBlock.PageSize - (at & ~Tlb.PageMask)));
            byte* p = Locate(s, at, AccessKind.Read);
            if (p == null)
            {
                return s->Fault != FaultCode.None ? null : Vcpu.Of(s).Mmio.Read(s, address, size);
            }
            Unsafe.CopyBlockUnaligned(scratch + done, p, count);
            done += count;
        }
        return scratch;
    }

    /// <summary>
    /// Where to write <paramref name="size"/> bytes, all of them known to be writable: guest memory, or the scratch buffer with the old bytes,
    /// which <see cref="Commit"/> then writes back. Null: a fault is recorded. A locked access outside one page holds the bus lock until the commit.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* Write(CpuState* s, Op* op, ulong address, uint size, bool locked)
    {
        if (!Check(s, op, address, size))
        {
            return null;
        }
        byte* scratch = &s->FirstScratch;
        if (IsInOnePage(address, size))
        {
            byte* p = Locate(s, address, AccessKind.Write);
            if (p != null)
            {
                NoteWrite(s, address, size);
                return p;
            }
            return s->Fault != FaultCode.None || !Vcpu.Of(s).Mmio.PrepareWrite(s, address, size, scratch) ? null : scratch;
        }
        ulong second = Wrap(s, (address + size - 1) & Tlb.PageMask);
        byte* p1 = Locate(s, address, AccessKind.Write);
        byte* p2 = s->Fault == FaultCode.None ? Locate(s, second, AccessKind.Write) : null;
        if (s->Fault != FaultCode.None)
        {
            return null;
        }
        if (p1 == null || p2 == null)
        {
            return Vcpu.Of(s).Mmio.PrepareWrite(s, address, size, scratch) ? scratch : null;
        }
        if (locked)
        {
            Vcpu.Of(s).Domain.BusLock.Enter();
        }
        uint first = (uint)(MemoryBlock.PageSize - (address & ~Tlb.PageMask));
        Unsafe.CopyBlockUnaligned(scratch, p1, first);
        Unsafe.CopyBlockUnaligned(scratch + first, p2, size - first);
        return scratch;
    }

    /// <summary>Writes the scratch buffer to where <see cref="Write"/> was asked for. False: a fault or exit is recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Commit(CpuState* s, Op* op, ulong address, uint size, bool locked)
    {
        Vcpu cpu = Vcpu.Of(s);
        byte* scratch = &s->FirstScratch;
        ulong second = Wrap(s, (address + size - 1) & Tlb.PageMask);
        byte* p1 = Locate(s, address, AccessKind.Write);
        byte* p2 = IsInOnePage(address, size) ? p1 : Locate(s, second, AccessKind.Write);
        if (p1 == null || p2 == null)
        {
            return cpu.Mmio.Write(s, address, size, scratch);
        }
        uint first = (uint)Math.Min(size, MemoryBlock.PageSize - (address & ~Tlb.PageMask));
        NoteWrite(s, address, first);
        Unsafe.CopyBlockUnaligned(p1, scratch, first);
        if (first < size)
        {
            NoteWrite(s, second, size - first);
            Unsafe.CopyBlockUnaligned(p2, scratch + first, size - first);
        }
        if (locked)
        {
            cpu.Domain.BusLock.Exit();
        }
        return true;
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
    /// Before bytes of one page are written: drops what has been decoded from them. A page in the write TLB has no code.
    /// </summary>
    public static void NoteWrite(CpuState* s, ulong address, uint size) => NoteWrite(s, Tlb.CurrentSet(s), address, size);

    /// <inheritdoc cref="NoteWrite(CpuState*, ulong, uint)"/>
    public static void NoteWrite(CpuState* s, TlbSet set, ulong address, uint size)
    {
        if (Tlb.Entry(s, set, address, write: true)->Tag != (address & Tlb.PageMask))
        {
            Vcpu cpu = Vcpu.Of(s);
            Translation translation = cpu.Translator.Translate(cpu, address, AccessKind.Write, set);
            if (translation.Block is { } block)
            {
                cpu.Domain.CodeChanged(block, translation.Offset + (address & ~Tlb.PageMask), size);
            }
        }
    }

    /// <summary>Host address of one byte's page content for the given access, or null with a fault recorded, or null without one: MMIO.</summary>
    public static byte* Locate(CpuState* s, ulong address, AccessKind kind) => Locate(s, Tlb.CurrentSet(s), address, kind);

    /// <summary>As <see cref="Locate(CpuState*, ulong, AccessKind)"/>, with the rights of a TLB set. The address is canonical.</summary>
    public static byte* Locate(CpuState* s, TlbSet set, ulong address, AccessKind kind)
    {
        TlbEntry* entry = Tlb.Entry(s, set, address, kind == AccessKind.Write);
        if (entry->Tag == (address & Tlb.PageMask))
        {
            return (byte*)(address + entry->Addend);
        }
        Vcpu cpu = Vcpu.Of(s);
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
            return null;
        }
        byte* page = block.Pointer + translation.Offset;
        if (kind == AccessKind.Read || Volatile.Read(ref block.CodeBlocks(translation.Offset)) == 0)
        {
            *entry = new TlbEntry { Tag = address & Tlb.PageMask, Addend = (ulong)page - (address & Tlb.PageMask) };
            // Reads and writes of a page see the same memory, also after a change of the page tables that no flush has announced.
            TlbEntry* other = Tlb.Entry(s, set, address, kind != AccessKind.Write);
            if (other->Tag == entry->Tag && other->Addend != entry->Addend)
            {
                other->Tag = Tlb.Empty;
            }
        }
        return page + (address & ~Tlb.PageMask);
    }

    /// <summary>True for addresses that 64-bit mode can form: sign-extended from bit 47, or bit 56 with 5-level paging.</summary>
    public static bool IsCanonical(CpuState* s, ulong address) => (ulong)((long)(address << s->LinearShift) >> s->LinearShift) == address;

    static bool TryFill(CpuState* s, ulong address, AccessKind kind)
    {
        if (!IsCanonical(s, address))
        {
            return false;
        }
        // A fault found here is found again, and reported, by the careful handler.
        bool filled = Locate(s, address, kind) != null && Tlb.Entry(s, Tlb.CurrentSet(s), address, kind == AccessKind.Write)->Tag == (address & Tlb.PageMask);
        s->Fault = FaultCode.None;
        return filled;
    }

    static bool IsInOnePage(ulong address, uint size) => ((address ^ (address + size - 1)) & Tlb.PageMask) == 0;

    /// <summary>Linear addresses wrap at 4 GiB outside 64-bit mode.</summary>
    static ulong Wrap(CpuState* s, ulong address) => (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? address : (uint)address;

    /// <summary>What is checked before translation: earlier segment faults, canonical form, alignment.</summary>
    static bool Check(CpuState* s, Op* op, ulong address, uint size)
    {
        if (s->Fault != FaultCode.None)
        {
            return false;
        }
        if (!IsCanonical(s, address) || !IsCanonical(s, address + size - 1))
        {
            // SDM Vol. 3 6.15: through the stack segment it is #SS. Pushes and pops have no memory operand that says so.
            if (op->Segment is CpuState.ZeroStackOffset or (CpuState.SegmentOffset + 2 * SegmentCache.Size))
            {
                Raise.StackFault(s, 0);
            }
            else
            {
                Raise.GeneralProtection(s, 0);
            }
            return false;
        }
        if ((s->Mode & CpuMode.AlignmentCheck) != 0 && (address & (uint)(Alignment(size) - 1)) != 0)
        {
            Raise.Exception(s, FaultCode.AlignmentCheck, 0);
            return false;
        }
        return true;
    }

    /// <summary>The alignment that #AC wants for an operand (SDM Vol. 3 table 6-7): its size, or that of its fields; 8 for the ten bytes of the x87.</summary>
    static uint Alignment(uint size) => size == 10 ? 8 : size & (0 - size);
}
