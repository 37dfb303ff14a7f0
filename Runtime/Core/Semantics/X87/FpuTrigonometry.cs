using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>FSIN.</summary>
readonly unsafe struct Sine : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => TrigonometricInstruction.Execute(s, &Of, pushes: false);

    static (Float80, Float80) Of(ref FpuContext c, Float80 a) =>
        (a.IsZero ? a : Trigonometry.SineCosine(Unpacked.From(a)).Sine.Round(ref c), default);
}

/// <summary>FCOS.</summary>
readonly unsafe struct Cosine : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => TrigonometricInstruction.Execute(s, &Of, pushes: false);

    static (Float80, Float80) Of(ref FpuContext c, Float80 a) =>
        (a.IsZero ? Float80.One : Trigonometry.SineCosine(Unpacked.From(a)).Cosine.Round(ref c), default);
}

/// <summary>FSINCOS: ST(0) becomes the sine, then the cosine is pushed.</summary>
readonly unsafe struct SineCosine : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => TrigonometricInstruction.Execute(s, &Of, pushes: true);

    static (Float80, Float80) Of(ref FpuContext c, Float80 a)
    {
        if (a.IsZero)
        {
            return (a, Float80.One);
        }
        (Wide sine, Wide cosine) = Trigonometry.SineCosine(Unpacked.From(a));
        return (sine.Round(ref c), cosine.Round(ref c));
    }
}

/// <summary>FPTAN: ST(0) becomes the tangent, then one is pushed.</summary>
readonly unsafe struct Tangent : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => TrigonometricInstruction.Execute(s, &Of, pushes: true);

    static (Float80, Float80) Of(ref FpuContext c, Float80 a) =>
        (a.IsZero ? a : Trigonometry.Tangent(Unpacked.From(a)).Round(ref c), Float80.One);
}

/// <summary>What the trigonometric instructions have in common: stack faults, NaNs, and arguments out of range, which set C2.</summary>
static unsafe class TrigonometricInstruction
{
    /// <summary>Replaces ST(0) by the first result and pushes the second, if there is one.</summary>
    public static void Execute(CpuState* s, delegate*<ref FpuContext, Float80, (Float80, Float80)> function, bool pushes)
    {
        FpuContext c = new(s->FpuControl);
        Float80 argument = FpuStack.Get(s, 0), first = Float80.Indefinite, second = Float80.Indefinite;
        s->FpuStatus &= unchecked((ushort)~FpuStatusWord.C2);
        if (FpuStack.IsEmpty(s, 0))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
        }
        else if (pushes && !FpuStack.IsEmpty(s, -1))
        {
            if (!FpuStack.Overflow(s))
            {
                return;
            }
        }
        else
        {
            if (NanRules.Decide(ref c, argument, out first))
            {
                second = first;
            }
            else if (argument.IsInfinity)
            {
                first = second = c.Invalid();
            }
            else if (!Trigonometry.IsInRange(argument))
            {
                FpuStack.Report(s, 0, c1: false);
                s->FpuStatus |= FpuStatusWord.C2;
                return;
            }
            else
            {
                c.NoteDenormal(argument);
                (first, second) = function(ref c, argument);
            }
            if (!FpuStack.Complete(s, c))
            {
                return;
            }
        }
        FpuStack.Set(s, 0, first);
        if (pushes)
        {
            FpuStack.Push(s, second);
        }
    }
}
