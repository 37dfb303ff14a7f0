using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>A way to compare.</summary>
interface IComparison
{
    static abstract int Compare(ref FpuContext c, Float80 a, Float80 b);
}

/// <summary>FCOM and its kin: no NaN is welcome.</summary>
readonly struct OrderedComparison : IComparison
{
    public static int Compare(ref FpuContext c, Float80 a, Float80 b) => Comparison.Ordered(ref c, a, b);
}

/// <summary>FUCOM and its kin: quiet NaNs are unordered without an exception.</summary>
readonly struct QuietComparison : IComparison
{
    public static int Compare(ref FpuContext c, Float80 a, Float80 b) => Comparison.Quiet(ref c, a, b);
}

/// <summary>Handlers of comparisons and of FXAM.</summary>
static unsafe class FpuCompare
{
    /// <summary>Compares ST(0) with memory (FCOM, FICOM).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Memory<TFormat, TPop, TAddress>(CpuState* s, Op* op, long fuel)
        where TFormat : unmanaged, IFpuFormat where TPop : struct, IPop where TAddress : struct, IAddress
    {
        if (!FpuInstruction.Begin(s))
        {
            return Leave.Fault(s, op, fuel);
        }
        byte* p = FpuInstruction.Read<TFormat>(s, op, TAddress.Linear(s, op, (uint)Unsafe.SizeOf<TFormat>(), 0));
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        FpuInstruction.Record<TAddress>(s, op);
        CompareMemory<TFormat>(s, p, TPop.Count);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Compares ST(0) with ST(i); the outcome goes to the condition codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Register<TComparison, TPop>(CpuState* s, Op* op, long fuel) where TComparison : struct, IComparison where TPop : struct, IPop
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        CompareRegisters<TComparison>(s, FpuInstruction.StackIndex(op), TPop.Count);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Compares ST(0) with ST(i); the outcome goes to ZF, PF and CF (FCOMI).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Flags<TComparison, TPop>(CpuState* s, Op* op, long fuel) where TComparison : struct, IComparison where TPop : struct, IPop
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        CompareToFlags<TComparison>(s, FpuInstruction.StackIndex(op), TPop.Count);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Compares ST(0) with zero (FTST).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Test(CpuState* s, Op* op, long fuel)
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        CompareZero(s);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Classifies ST(0) (FXAM).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Examine(CpuState* s, Op* op, long fuel)
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        SetConditions(s, Comparison.Examine(FpuStack.Get(s, 0), FpuStack.IsEmpty(s, 0)));
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CompareMemory<TFormat>(CpuState* s, byte* p, int pops) where TFormat : unmanaged, IFpuFormat
    {
        FpuContext c = new(s->FpuControl);
        if (FpuStack.IsEmpty(s, 0))
        {
            Underflow(s, pops);
            return;
        }
        Float80 operand = TFormat.Load(ref c, p);
        int conditions = Comparison.Ordered(ref c, FpuStack.Get(s, 0), operand);
        Complete(s, c, conditions, pops);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CompareZero(CpuState* s)
    {
        FpuContext c = new(s->FpuControl);
        if (FpuStack.IsEmpty(s, 0))
        {
            Underflow(s, pops: 0);
            return;
        }
        int conditions = Comparison.Ordered(ref c, FpuStack.Get(s, 0), Float80.Zero(false));
        Complete(s, c, conditions, pops: 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CompareRegisters<TComparison>(CpuState* s, int i, int pops) where TComparison : struct, IComparison
    {
        FpuContext c = new(s->FpuControl);
        if (FpuStack.IsEmpty(s, 0) || FpuStack.IsEmpty(s, i))
        {
            Underflow(s, pops);
            return;
        }
        int conditions = TComparison.Compare(ref c, FpuStack.Get(s, 0), FpuStack.Get(s, i));
        Complete(s, c, conditions, pops);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CompareToFlags<TComparison>(CpuState* s, int i, int pops) where TComparison : struct, IComparison
    {
        FpuContext c = new(s->FpuControl);
        int conditions = Comparison.Unordered;
        bool hasResult;
        if (FpuStack.IsEmpty(s, 0) || FpuStack.IsEmpty(s, i))
        {
            hasResult = FpuStack.Underflow(s);
        }
        else
        {
            conditions = TComparison.Compare(ref c, FpuStack.Get(s, 0), FpuStack.Get(s, i));
            int c1 = s->FpuStatus & FpuStatusWord.C1;
            hasResult = FpuStack.Complete(s, c);
            s->FpuStatus |= (ushort)c1;
        }
        uint flags = (conditions & FpuStatusWord.C0) != 0 ? State.Flags.CfBit : 0;
        flags |= (conditions & FpuStatusWord.C2) != 0 ? State.Flags.PfBit : 0;
        flags |= (conditions & FpuStatusWord.C3) != 0 ? State.Flags.ZfBit : 0;
        s->Flags = State.Flags.FromEflags(flags);
        Drop(s, hasResult ? pops : 0);
    }

    static void Underflow(CpuState* s, int pops)
    {
        bool hasResult = FpuStack.Underflow(s);
        SetConditions(s, Comparison.Unordered);
        Drop(s, hasResult ? pops : 0);
    }

    static void Complete(CpuState* s, FpuContext c, int conditions, int pops)
    {
        bool hasResult = FpuStack.Complete(s, c);
        SetConditions(s, conditions);
        Drop(s, hasResult ? pops : 0);
    }

    static void Drop(CpuState* s, int pops)
    {
        for (int i = 0; i < pops; i++)
        {
            FpuStack.Pop(s);
        }
    }

    static void SetConditions(CpuState* s, int conditions) =>
        s->FpuStatus = (ushort)((s->FpuStatus & ~FpuStatusWord.ConditionCodes) | conditions);
}
