using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>Handlers of the instructions whose result replaces an operand on the stack.</summary>
static unsafe class FpuArithmetic
{
    /// <summary>ST(0) = ST(0) ∘ memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Memory<TOperation, TFormat, TAddress>(CpuState* s, Op* op, long fuel)
        where TOperation : struct, IBinaryOperation where TFormat : unmanaged, IFpuFormat where TAddress : struct, IAddress
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
        Combine<TOperation, TFormat>(s, p);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>ST(0) = ST(0) ∘ ST(i).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Top<TOperation>(CpuState* s, Op* op, long fuel) where TOperation : struct, IBinaryOperation
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        Combine<TOperation>(s, 0, FpuInstruction.StackIndex(op), pops: false);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>ST(i) = ST(i) ∘ ST(0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Register<TOperation, TPop>(CpuState* s, Op* op, long fuel) where TOperation : struct, IBinaryOperation where TPop : struct, IPop
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        Combine<TOperation>(s, FpuInstruction.StackIndex(op), 0, TPop.Count != 0);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>ST(0) = ST(0) ∘ ST(1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long First<TOperation>(CpuState* s, Op* op, long fuel) where TOperation : struct, IBinaryOperation
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        Combine<TOperation>(s, 0, 1, pops: false);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>ST(1) = ST(1) ∘ ST(0), then pop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Second<TOperation>(CpuState* s, Op* op, long fuel) where TOperation : struct, IBinaryOperation
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        Combine<TOperation>(s, 1, 0, pops: true);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>ST(0) = f(ST(0)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Unary<TOperation>(CpuState* s, Op* op, long fuel) where TOperation : struct, IUnaryOperation
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        Transform<TOperation>(s);
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Combine<TOperation>(CpuState* s, int destination, int source, bool pops) where TOperation : struct, IBinaryOperation
    {
        if (FpuStack.IsEmpty(s, destination) || FpuStack.IsEmpty(s, source))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
            FpuStack.Set(s, destination, Float80.Indefinite);
        }
        else
        {
            Float80 a = FpuStack.Get(s, destination), b = FpuStack.Get(s, source);
            if (Shortcut.IsOpen(s->FpuControl) && TOperation.TryShortcut(a, b, out Float80 rounded, out int status))
            {
                FpuStack.Replace(s, destination, rounded);
                FpuStack.Note(s, status, pops);
                return;
            }
            if (!TryApply<TOperation>(s, a, b, out Float80 result))
            {
                return;
            }
            FpuStack.Set(s, destination, result);
        }
        if (pops)
        {
            FpuStack.Pop(s);
        }
    }

    /// <summary>The long way, in a method of its own: its context has to lie in memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryApply<TOperation>(CpuState* s, Float80 a, Float80 b, out Float80 result) where TOperation : struct, IBinaryOperation
    {
        FpuContext c = new(s->FpuControl);
        result = TOperation.Apply(ref c, a, b);
        return FpuStack.Complete(s, c);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Combine<TOperation, TFormat>(CpuState* s, byte* p) where TOperation : struct, IBinaryOperation where TFormat : unmanaged, IFpuFormat
    {
        FpuContext c = new(s->FpuControl);
        if (FpuStack.IsEmpty(s, 0))
        {
            if (FpuStack.Underflow(s))
            {
                FpuStack.Set(s, 0, Float80.Indefinite);
            }
            return;
        }
        Float80 a = FpuStack.Get(s, 0), b = TFormat.Load(ref c, p);
        if (Shortcut.IsOpen(s->FpuControl) && !c.HasDenormalSource && TOperation.TryShortcut(a, b, out Float80 rounded, out int status))
        {
            FpuStack.Replace(s, 0, rounded);
            FpuStack.Note(s, status, pops: false);
            return;
        }
        Float80 result = TOperation.Apply(ref c, a, b);
        if (FpuStack.Complete(s, c))
        {
            FpuStack.Set(s, 0, result);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Transform<TOperation>(CpuState* s) where TOperation : struct, IUnaryOperation
    {
        FpuContext c = new(s->FpuControl);
        Float80 result = Float80.Indefinite;
        if (FpuStack.IsEmpty(s, 0))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
        }
        else
        {
            result = TOperation.Apply(ref c, FpuStack.Get(s, 0));
            if (!FpuStack.Complete(s, c))
            {
                return;
            }
        }
        FpuStack.Set(s, 0, result);
    }
}
