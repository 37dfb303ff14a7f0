using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Paging;

/// <summary>PAE paging keeps the four entries of the page-directory-pointer table in registers (SDM Vol. 3 4.4.1).</summary>
static unsafe class DirectoryPointers
{
    const int Count = 4;
    const ulong Reserved = 0xFFF0_0000_0000_01E6;
    const ulong TableMask = 0xFFFFFFE0;

    /// <summary>Reads them from the table that <paramref name="cr3"/> names. False: one has a reserved bit set, and nothing has changed.</summary>
    public static bool TryLoad(CpuState* s, PhysicalMemory memory, ulong cr3)
    {
        ulong* entries = stackalloc ulong[Count];
        for (int i = 0; i < Count; i++)
        {
            entries[i] = memory.ReadEntry((cr3 & TableMask) + (ulong)i * sizeof(ulong), sizeof(ulong));
            if ((entries[i] & PageEntry.Present) != 0 && (entries[i] & (Reserved | s->PhysicalReserved & PageEntry.AddressMask)) != 0)
            {
                return false;
            }
        }
        for (int i = 0; i < Count; i++)
        {
            (&s->FirstDirectoryPointer)[i] = entries[i];
        }
        return true;
    }
}
