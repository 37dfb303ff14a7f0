using FastVcpu.Execution;

namespace FastVcpu.Memory;

/// <summary>
/// The CPUs that share memory. Before a page changes its meaning (it gets code, loses rights, is unmapped), every CPU has to have dropped
/// what it cached of it; this is the place where one CPU or the host waits for the others.
/// </summary>
sealed unsafe class MemoryDomain
{
    volatile Vcpu[] cpus = [];

    /// <summary>Walks over the CPUs that are under way. A CPU that leaves waits for their end, as they may still hold it.</summary>
    int walks;

    /// <summary>Taken by locked accesses that the host cannot do atomically: across pages, and on pages with decoded code.</summary>
    public Lock BusLock { get; } = new();

    /// <summary>Taken by everything that changes the map. Nobody waits for a CPU while holding it.</summary>
    public Lock MapLock { get; } = new();

    /// <summary>There are several CPUs.</summary>
    public bool IsShared => cpus.Length > 1;

    public void Attach(Vcpu cpu)
    {
        lock (MapLock)
        {
            cpus = [.. cpus, cpu];
        }
    }

    public void Detach(Vcpu cpu)
    {
        lock (MapLock)
        {
            cpus = [.. cpus.Where(c => c != cpu)];
        }
        SpinWait spin = default;
        while (Volatile.Read(ref walks) != 0)
        {
            spin.SpinOnce();
        }
    }

    /// <summary>Returns when no CPU uses a translation any more that was cached before the call.</summary>
    public void FlushTranslations()
    {
        Flush(PendingBits.FlushTranslations);
    }

    /// <summary>Returns when no CPU writes to a page any more without looking whether it holds code.</summary>
    public void FlushWriteTlbs()
    {
        Flush(PendingBits.FlushWriteTlb);
    }

    /// <summary>Tells the CPUs that bytes have changed, as far as code has been decoded from their pages.</summary>
    public void CodeChanged(MemoryBlock block, ulong offset, ulong length)
    {
        ulong end = offset + length;
        for (ulong page = offset & Tlb.PageMask; page < end; page += MemoryBlock.PageSize)
        {
            if (block.CodeBlocks(page) != 0)
            {
                ulong first = Math.Max(page, offset), last = Math.Min(end, page + MemoryBlock.PageSize);
                Interlocked.Increment(ref walks);
                foreach (Vcpu cpu in cpus)
                {
                    cpu.CodeChanged((nint)(block.Pointer + page), (int)(first - page), (int)(last - page));
                }
                Interlocked.Decrement(ref walks);
            }
        }
    }

    void Flush(int what)
    {
        Interlocked.Increment(ref walks);
        foreach (Vcpu cpu in cpus)
        {
            cpu.FlushFromOutside(what);
        }
        Interlocked.Decrement(ref walks);
    }
}
