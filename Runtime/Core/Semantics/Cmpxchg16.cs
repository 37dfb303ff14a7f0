using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>CMPXCHG16B.</summary>
/// <remarks>.NET has no 16-byte exchange: it is one step for every other CMPXCHG16B of the machine; an 8-byte access may fall between its halves.</remarks>
static unsafe class Cmpxchg16
{
    const uint Size = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Exchange<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryExchange<TAddress>(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryExchange<TAddress>(CpuState* s, Op* op) where TAddress : struct, IAddress
    {
        ulong address = TAddress.LinearForWrite(s, op, Size, 0);
        if ((address & (Size - 1)) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        // Written in any case: with the old value when the comparison fails.
        byte* p = SlowPath.Write(s, op, address, Size, locked: false, reads: true);
        if (p == null)
        {
            return false;
        }
        ulong* halves = (ulong*)p;
        ulong low, high;
        bool equal;
        lock (Vcpu.Of(s).Domain.BusLock)
        {
            low = Volatile.Read(ref halves[0]);
            high = Volatile.Read(ref halves[1]);
            equal = low == s->Rax && high == s->Rdx;
            if (equal)
            {
                Volatile.Write(ref halves[0], s->Rbx);
                Volatile.Write(ref halves[1], s->Rcx);
            }
        }
        if (p == &s->FirstScratch && !SlowPath.Commit(s, op, address, Size, locked: false))
        {
            return false;
        }
        s->Flags.ZF = equal;
        if (!equal)
        {
            s->Rax = low;
            s->Rdx = high;
        }
        Interlocked.MemoryBarrier();
        return true;
    }
}
