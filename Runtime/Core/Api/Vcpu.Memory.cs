using System.Collections.Concurrent;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    [ThreadStatic]
    static Vcpu? runningHere;

    readonly ConcurrentQueue<(nint Start, ulong Length)> codeChanges = new();
    volatile bool isRunning;
    Vcpu? outerRun;

    /// <summary>Bytes that may be decoded code have changed, by this CPU or another.</summary>
    internal void CodeChanged(byte* start, ulong length)
    {
        if (runningHere == this)
        {
            blocks.Invalidate(start, length);
        }
        else
        {
            codeChanges.Enqueue(((nint)start, length));
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

    void BeginRun()
    {
        outerRun = runningHere;
        runningHere = this;
        isRunning = true;
        Thread.MemoryBarrier();
    }

    void EndRun()
    {
        isRunning = false;
        runningHere = outerRun;
        outerRun = null;
    }

    /// <summary>Does what others asked for. True: the run is to end.</summary>
    bool ServicePending()
    {
        ServiceFlushes();
        if ((Interlocked.And(ref state->Pending, ~PendingBits.CodeChanged) & PendingBits.CodeChanged) != 0)
        {
            while (codeChanges.TryDequeue(out (nint Start, ulong Length) change))
            {
                blocks.Invalidate((byte*)change.Start, change.Length);
            }
        }
        return (Interlocked.And(ref state->Pending, ~PendingBits.Exit) & PendingBits.Exit) != 0;
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

    /// <summary>Forgets what is cached of one linear page.</summary>
    internal void ForgetPage(ulong address)
    {
        Tlb.Remove(state, address);
        if (CodeTlb.Remove(address))
        {
            blocks.ForgetAddresses();
        }
    }

    /// <summary>Forgets cached translations.</summary>
    internal void Flush(int what)
    {
        if ((what & PendingBits.FlushTranslations) != 0)
        {
            Tlb.Clear(state);
            CodeTlb.Clear();
            blocks.ForgetAddresses();
        }
        else
        {
            Tlb.ClearWrites(state);
        }
    }
}
