using System.Collections.Concurrent;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    [ThreadStatic]
    static Vcpu? runningHere;

    /// <summary>Changes that are worth to be remembered one by one; a CPU that sleeps through more than these decodes everything again.</summary>
    const int MostCodeChanges = 256;

    readonly ConcurrentQueue<(nint Page, int First, int Last)> codeChanges = new();
    volatile bool isRunning, forgetsCode;

    /// <summary>The memory that the entries of the write TLBs lead to.</summary>
    internal MemoryBlock[] WrittenBlocks { get; } = new MemoryBlock[(int)TlbSet.Count * Tlb.Entries];

    Tuple<SystemEventType, ulong>? systemEvent;

    /// <summary>Bytes of a page that may be decoded code have changed, by this CPU or another.</summary>
    internal void CodeChanged(nint page, int first, int last)
    {
        if (runningHere == this)
        {
            blocks.Invalidate(page, first, last);
        }
        else
        {
            if (codeChanges.Count < MostCodeChanges)
            {
                codeChanges.Enqueue((page, first, last));
            }
            else
            {
                forgetsCode = true;
            }
            Interlocked.Or(ref state->Pending, PendingBits.CodeChanged);
        }
    }

    /// <summary>Forgets cached translations, and waits until that is so when the CPU runs on another thread.</summary>
    internal void FlushFromOutside(int what)
    {
        if (runningHere == this)
        {
            Flush(what);
            return;
        }
        Interlocked.Or(ref state->Pending, what);
        SpinWait spin = default;
        while (isRunning && (Volatile.Read(ref state->Pending) & what) != 0)
        {
            // Two CPUs may wait for each other: each serves the other's wish meanwhile.
            runningHere?.ServiceFlushes();
            spin.SpinOnce();
        }
    }

    /// <summary>Does what others asked for. The events that have arrived are looked at by the dispatcher.</summary>
    void ServicePending()
    {
        ServiceFlushes();
        Interlocked.And(ref state->Pending, ~PendingBits.Event);
        if ((Interlocked.And(ref state->Pending, ~PendingBits.CodeChanged) & PendingBits.CodeChanged) != 0)
        {
            if (forgetsCode)
            {
                forgetsCode = false;
                codeChanges.Clear();
                blocks.Clear();
            }
            while (codeChanges.TryDequeue(out (nint Page, int First, int Last) change))
            {
                blocks.Invalidate(change.Page, change.First, change.Last);
            }
        }
    }

    /// <summary>Somebody asks for the run to end.</summary>
    bool IsExitRequested => (Volatile.Read(ref state->Pending) & PendingBits.Exit) != 0;

    /// <summary>Somebody asked for the run to end; that is done with now, and how it ends is recorded.</summary>
    void EndByRequest()
    {
        Interlocked.And(ref state->Pending, ~PendingBits.Exit);
        exit = Interlocked.Exchange(ref systemEvent, null) is var (type, data)
            ? new VcpuExit { Reason = ExitReason.SystemEvent, Vector = (int)type, Data = data }
            : new VcpuExit { Reason = ExitReason.Interrupted };
    }

    /// <summary>The machine is to be powered off or reset: the run ends.</summary>
    internal void RequestSystemEvent(SystemEventType type, ulong data)
    {
        systemEvent = Tuple.Create(type, data);
        RequestExit();
    }

    void ServiceFlushes()
    {
        int what = Volatile.Read(ref state->Pending) & (PendingBits.FlushTranslations | PendingBits.FlushWriteTlb);
        if (what != 0)
        {
            Flush(what);
            Interlocked.And(ref state->Pending, ~what);
        }
    }

    /// <summary>A page fault: forgets what is cached of the page. Nothing that is not so can be cached of a map that the host defines.</summary>
    internal void ForgetPage(ulong address)
    {
        if (isUserMode)
        {
            return;
        }
        Tlb.Remove(state, address);
        if (CodeTlb.Remove(address))
        {
            blocks.ForgetAddresses();
        }
    }

    /// <summary>Forgets where code may be fetched from.</summary>
    internal void ForgetCodePages()
    {
        CodeTlb.Clear();
        blocks.ForgetAddresses();
    }

    /// <summary>Forgets cached translations, or lets the next write to each page be noticed.</summary>
    internal void Flush(int what)
    {
        if ((what & PendingBits.FlushTranslations) != 0)
        {
            Tlb.Clear(state);
            ForgetCodePages();
        }
        else
        {
            Tlb.GuardWrites(state);
        }
    }
}
