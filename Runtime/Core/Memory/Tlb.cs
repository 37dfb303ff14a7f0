using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.State;

namespace FastVcpu.Memory;

/// <summary>One cached translation of a page.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
struct TlbEntry
{
    /// <summary>Linear address of the page, perhaps with <see cref="Tlb.Guard"/>; or <see cref="Tlb.Empty"/>.</summary>
    public ulong Tag;
    /// <summary>Host address minus linear address.</summary>
    public ulong Addend;

    /// <summary>The operand lies in this page. The tag is compared with the page of the last byte: an access that leaves the page misses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Holds<T>(ulong address) where T : unmanaged => Tag == ((address + (ulong)(Unsafe.SizeOf<T>() - 1)) & Tlb.PageMask);

    /// <summary>The entry is that of the page that holds an address, guarded or not.</summary>
    public readonly bool IsOf(ulong address) => (Tag & ~Tlb.Guard) == (address & Tlb.PageMask);

    /// <summary>Where the operand lies in host memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly unsafe byte* Pointer(ulong address) => (byte*)(address + Addend);

    /// <summary>Where an operand that is read now lies in host memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly unsafe byte* ReadPointer(ulong address)
    {
        HostOrder.BeforeRead();
        return Pointer(address);
    }

    /// <summary>Where an operand that is written now lies in host memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly unsafe byte* WritePointer(ulong address)
    {
        HostOrder.BeforeWrite();
        return Pointer(address);
    }
}

/// <summary>
/// Accesses of different rights use different TLBs, so that a change of privilege is a change of a pointer and an entry needs no rights.
/// </summary>
enum TlbSet
{
    /// <summary>CPL 3.</summary>
    User,
    /// <summary>CPL 0–2.</summary>
    Supervisor,
    /// <summary>CPL 0–2 while SMAP lets it use user pages (CR4.SMAP and EFLAGS.AC).</summary>
    SupervisorWithUserAccess,
    Count,
}

/// <summary>
/// The read and the write TLB. While accesses to a page have to be noticed (code, dirty log, watchpoint), its entry is guarded: no access finds it by itself, so that one slow
/// path serves all of these, but the translation stands. So what is cached of stale paging structures depends on the guest's accesses only, not on what has been decoded when.
/// </summary>
static unsafe class Tlb
{
    public const int Entries = 256;
    public const ulong PageMask = ~0xFFFUL;

    /// <summary>The bit of a tag that makes accesses miss the entry.</summary>
    public const ulong Guard = 1;

    /// <summary>Entries of the cache of pages without memory.</summary>
    const int DeviceEntries = 8;

    /// <summary>A tag that no access has.</summary>
    public const ulong Empty = ulong.MaxValue;

    /// <summary>
    /// Index of a page. Two shifted copies, so that streams a multiple of the reach apart do not meet; added, so that neighbours never do:
    /// the tag of one must not be found by an access that begins in the other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Index(ulong address) => (uint)((address >> 12) + (address >> 20)) & (Entries - 1);

    /// <summary>Where a readable page would be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbEntry* ReadEntry(CpuState* s, ulong address) => (TlbEntry*)((byte*)s->ReadTlb + ((ulong)Index(address) << 4));

    /// <summary>Where a writable page would be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbEntry* WriteEntry(CpuState* s, ulong address) => (TlbEntry*)((byte*)s->WriteTlb + ((ulong)Index(address) << 4));

    /// <summary>Host address of a readable operand that lies in one cached page, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read<T>(CpuState* s, ulong address) where T : unmanaged
    {
        TlbEntry* entry = ReadEntry(s, address);
        return entry->Holds<T>(address) ? entry->ReadPointer(address) : null;
    }

    /// <summary>Host address of a writable operand that lies in one cached page, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write<T>(CpuState* s, ulong address) where T : unmanaged
    {
        TlbEntry* entry = WriteEntry(s, address);
        return entry->Holds<T>(address) ? entry->WritePointer(address) : null;
    }

    /// <summary>Puts the TLBs of a set in force.</summary>
    public static void Use(CpuState* s, TlbSet set)
    {
        s->ReadTlb = &s->FirstTlbEntry + (int)set * 2 * Entries;
        s->WriteTlb = s->ReadTlb + Entries;
    }

    /// <summary>The set that the state asks for.</summary>
    public static TlbSet SetFor(CpuState* s) => SetFor(s, s->Cpl);

    /// <summary>The set for accesses of a privilege level.</summary>
    public static TlbSet SetFor(CpuState* s, int cpl) =>
        cpl == 3 ? TlbSet.User
        : (s->Cr4 & Cr4.SupervisorAccessPrevention) != 0 && (s->SystemFlags & SystemFlagBits.AlignmentCheck) != 0 ? TlbSet.SupervisorWithUserAccess
        : TlbSet.Supervisor;

    /// <summary>The set in force.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbSet CurrentSet(CpuState* s) => (TlbSet)((ulong)((byte*)s->ReadTlb - (byte*)&s->FirstTlbEntry) / (2 * CpuState.TlbSize));

    /// <summary>The entry of a page in the read or the write TLB of a set.</summary>
    public static TlbEntry* Entry(CpuState* s, TlbSet set, ulong address, bool write) =>
        &s->FirstTlbEntry + ((int)set * 2 + (write ? 1 : 0)) * Entries + Index(address);

    /// <summary>Number of a page's entry among those of all write TLBs.</summary>
    public static int WriteIndex(TlbSet set, ulong address) => (int)set * Entries + (int)Index(address);

    /// <summary>Physical address of a page without memory, if it is cached. Only slow paths ask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryFindDevice(CpuState* s, TlbSet set, ulong address, AccessKind kind, out ulong physical)
    {
        TlbEntry* entry = DeviceEntry(s, address);
        physical = entry->Addend | address & ~PageMask;
        return entry->Tag == DeviceTag(set, address, kind);
    }

    /// <summary>Remembers that a page leads to no memory. What its physical page is stands where other entries have a distance.</summary>
    public static void FillDevice(CpuState* s, TlbSet set, ulong address, AccessKind kind, ulong physicalPage) =>
        *DeviceEntry(s, address) = new TlbEntry { Tag = DeviceTag(set, address, kind), Addend = physicalPage };

    static TlbEntry* DeviceEntry(CpuState* s, ulong address) => &s->FirstDeviceEntry + ((address >> 12) & (DeviceEntries - 1));

    static ulong DeviceTag(TlbSet set, ulong address, AccessKind kind) => address & PageMask | (ulong)set << 1 | (kind == AccessKind.Write ? 1UL : 0);

    static void ClearDevices(CpuState* s) => new Span<TlbEntry>(&s->FirstDeviceEntry, DeviceEntries).Fill(new TlbEntry { Tag = Empty });

    /// <summary>Forgets one page in all sets.</summary>
    public static void Remove(CpuState* s, ulong address)
    {
        for (int tlb = 0; tlb < (int)TlbSet.Count * 2; tlb++)
        {
            TlbEntry* entry = &s->FirstTlbEntry + tlb * Entries + Index(address);
            if (entry->IsOf(address))
            {
                entry->Tag = Empty;
            }
        }
        DeviceEntry(s, address)->Tag = Empty;
    }

    /// <summary>Empties the read and write TLBs of all sets.</summary>
    public static void Clear(CpuState* s)
    {
        new Span<TlbEntry>(&s->FirstTlbEntry, (int)TlbSet.Count * 2 * Entries).Fill(new TlbEntry { Tag = Empty });
        ClearDevices(s);
    }

    /// <summary>Guards the entries of the write TLBs of all sets.</summary>
    public static void GuardWrites(CpuState* s)
    {
        for (int set = 0; set < (int)TlbSet.Count; set++)
        {
            TlbEntry* first = &s->FirstTlbEntry + (set * 2 + 1) * Entries;
            for (int i = 0; i < Entries; i++)
            {
                first[i].Tag |= Guard;
            }
        }
    }
}
