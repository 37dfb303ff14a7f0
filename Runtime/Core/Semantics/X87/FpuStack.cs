using System.Runtime.CompilerServices;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>The register stack in the state: registers relative to TOP, tags, push and pop, and what an operation leaves in the status word.</summary>
static unsafe class FpuStack
{
    const int RegisterStride = 16;

    /// <summary>Physical number of ST(<paramref name="i"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Physical(CpuState* s, int i) => ((s->FpuStatus >> FpuStatusWord.TopShift) + i) & 7;

    /// <summary>Where a physical register lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Location(CpuState* s, int physical) => (byte*)s + CpuState.FprOffset + RegisterStride * physical;

    /// <summary>The content of ST(<paramref name="i"/>), whatever its tag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Get(CpuState* s, int i) => Float80.Read(Location(s, Physical(s, i)));

    /// <summary>Writes ST(<paramref name="i"/>), which is then not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(CpuState* s, int i, Float80 value)
    {
        int physical = Physical(s, i);
        value.Write(Location(s, physical));
        s->FpuTag |= (byte)(1 << physical);
    }

    /// <summary>Writes ST(<paramref name="i"/>), which is not empty before either.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Replace(CpuState* s, int i, Float80 value) => value.Write(Location(s, Physical(s, i)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEmpty(CpuState* s, int i) => (s->FpuTag >> Physical(s, i) & 1) == 0;

    /// <summary>Marks ST(<paramref name="i"/>) empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(CpuState* s, int i) => s->FpuTag &= (byte)~(1 << Physical(s, i));

    /// <summary>Turns the stack: what was ST(<paramref name="count"/>) becomes ST(0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rotate(CpuState* s, int count) =>
        s->FpuStatus = (ushort)((s->FpuStatus & ~FpuStatusWord.TopMask) | ((s->FpuStatus + (count << FpuStatusWord.TopShift)) & FpuStatusWord.TopMask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pop(CpuState* s)
    {
        Free(s, 0);
        Rotate(s, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(CpuState* s, Float80 value)
    {
        Rotate(s, -1);
        Set(s, 0, value);
    }

    /// <summary>
    /// Ends an operation that went well: sets bits of the status word that no unmasked exception is among, sets or clears C1, and pops. One store to each word, because the next instruction
    /// waits for it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Note(CpuState* s, int bits, bool pops)
    {
        int status = s->FpuStatus;
        int next = status & ~FpuStatusWord.C1 | bits;
        if (pops)
        {
            s->FpuTag &= (byte)~(1 << (status >> FpuStatusWord.TopShift & 7));
            next = next & ~FpuStatusWord.TopMask | (status + (1 << FpuStatusWord.TopShift)) & FpuStatusWord.TopMask;
        }
        s->FpuStatus = (ushort)next;
    }

    /// <summary>Pushes, and clears C1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PushClearing(CpuState* s, Float80 value)
    {
        int status = s->FpuStatus, top = (status >> FpuStatusWord.TopShift) - 1 & 7;
        s->FpuStatus = (ushort)(status & ~(FpuStatusWord.TopMask | FpuStatusWord.C1) | top << FpuStatusWord.TopShift);
        value.Write(Location(s, top));
        s->FpuTag |= (byte)(1 << top);
    }

    /// <summary>Moves the exceptions and C1 of an operation into the status word; an unmasked one becomes pending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Report(CpuState* s, int exceptions, bool c1)
    {
        int status = (s->FpuStatus & ~FpuStatusWord.C1) | (c1 ? FpuStatusWord.C1 : 0);
        if (exceptions != 0)
        {
            status |= exceptions;
            if ((exceptions & ~s->FpuControl & FpuStatusWord.Exceptions) != 0)
            {
                status |= FpuStatusWord.Pending;
            }
        }
        s->FpuStatus = (ushort)status;
    }

    /// <summary>
    /// Ends an operation on registers. False when an unmasked exception keeps it from having a result; what it would have met in computing
    /// one is not reported then.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Complete(CpuState* s, in FpuContext c) => Complete(s, c, FpuStatusWord.FaultsBeforeResult);

    /// <summary>Ends a store to memory; see <see cref="Complete(CpuState*, in FpuContext)"/>.</summary>
    public static bool CompleteStore(CpuState* s, in FpuContext c) => Complete(s, c, FpuStatusWord.FaultsBeforeStore);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool Complete(CpuState* s, in FpuContext c, int faults)
    {
        if ((c.Exceptions & ~s->FpuControl & faults) != 0)
        {
            Report(s, c.Exceptions & faults, c1: false);
            return false;
        }
        Report(s, c.Exceptions, c.RoundedUp);
        return true;
    }

    /// <summary>Notes a stack underflow. True when it is masked, so that the instruction goes on with the indefinite.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Underflow(CpuState* s)
    {
        Report(s, FpuStatusWord.InvalidOperation | FpuStatusWord.StackFault, c1: false);
        return (s->FpuControl & FpuStatusWord.InvalidOperation) != 0;
    }

    /// <summary>Notes a stack overflow; see <see cref="Underflow"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Overflow(CpuState* s)
    {
        Report(s, FpuStatusWord.InvalidOperation | FpuStatusWord.StackFault, c1: true);
        return (s->FpuControl & FpuStatusWord.InvalidOperation) != 0;
    }

    /// <summary>An unmasked exception of an earlier instruction is to be reported; with CR0.NE = 0 the pin IGNNE# keeps it from that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasError(CpuState* s) =>
        (s->FpuStatus & FpuStatusWord.Pending) != 0 && (s->FpuIgnoresError == 0 || (s->Cr0 & Cr0.NumericError) != 0);

    /// <summary>ES and B follow from the exceptions and their masks after either was loaded.</summary>
    public static void UpdatePending(CpuState* s)
    {
        bool isPending = (s->FpuStatus & ~s->FpuControl & FpuStatusWord.Exceptions) != 0;
        s->FpuStatus = (ushort)((s->FpuStatus & ~FpuStatusWord.Pending) | (isPending ? FpuStatusWord.Pending : 0));
        if (!isPending)
        {
            s->FpuIgnoresError = 0;
        }
    }
}
