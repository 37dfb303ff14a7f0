using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>Marks the locks that a thread holds when it ends (set_robust_list), so that others do not wait for ever.</summary>
static class RobustFutexes
{
    const int Limit = 2048;
    const uint ThreadMask = 0x3FFF_FFFF, OwnerDied = 0x4000_0000, HasWaiters = 0x8000_0000;

    public static void Release(GuestThread thread)
    {
        GuestMemory memory = thread.Process.Memory;
        ulong head = thread.RobustList;
        int word = memory.Abi.WordSize;
        if (head == 0 || !memory.TryReadWord(head, out ulong entry) || !memory.TryReadWord(head + (ulong)word, out ulong offset)
            || !memory.TryReadWord(head + 2 * (ulong)word, out ulong pending))
        {
            return;
        }

        for (int i = 0; i < Limit && entry != head && entry != 0; i++)
        {
            ulong current = entry & ~1UL;
            if (!memory.TryReadWord(current, out entry))
            {
                return;
            }

            Mark(thread, memory.Abi.Address(current + offset));
        }

        if (pending != 0)
        {
            Mark(thread, memory.Abi.Address((pending & ~1UL) + offset));
        }
    }

    static void Mark(GuestThread thread, ulong address)
    {
        GuestMemory memory = thread.Process.Memory;
        if (!memory.TryRead(address, out uint value) || (value & ThreadMask) != (uint)thread.Id)
        {
            return;
        }

        memory.TryWrite(address, value & HasWaiters | OwnerDied);
        if ((value & HasWaiters) != 0)
        {
            thread.System.Futexes.Wake(memory, address, 1, uint.MaxValue);
        }
    }
}
