using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>What an instruction on registers does once nothing is pending.</summary>
unsafe interface IRegisterInstruction
{
    /// <param name="s">The state.</param>
    /// <param name="opcode">FOP: the low three bits of the opcode and the ModRM byte.</param>
    static abstract void Execute(CpuState* s, int opcode);
}

/// <summary>The handler of instructions that work on registers only.</summary>
static unsafe class FpuRegisters
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Run<TInstruction>(CpuState* s, Op* op, long fuel) where TInstruction : struct, IRegisterInstruction
    {
        if (!FpuInstruction.BeginRegister(s, op))
        {
            return Leave.Fault(s, op, fuel);
        }
        TInstruction.Execute(s, (int)op->Imm);
        op++;
        return op->Handler(s, op, fuel);
    }
}

/// <summary>FLD ST(i).</summary>
readonly unsafe struct LoadRegister : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        int i = opcode & 7;
        bool isEmpty = FpuStack.IsEmpty(s, i), overflows = !FpuStack.IsEmpty(s, -1);
        Float80 value = FpuStack.Get(s, i);
        if (!(isEmpty | overflows))
        {
            FpuStack.PushClearing(s, value);
        }
        else if (isEmpty ? FpuStack.Underflow(s) : FpuStack.Overflow(s))
        {
            FpuStack.Push(s, Float80.Indefinite);
        }
    }
}

/// <summary>FST ST(i).</summary>
readonly unsafe struct StoreRegister : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => TryStore(s, opcode & 7);

    /// <summary>Copies ST(0) to ST(<paramref name="i"/>). False: an unmasked stack underflow.</summary>
    public static bool TryStore(CpuState* s, int i)
    {
        Float80 value = FpuStack.Get(s, 0);
        if (FpuStack.IsEmpty(s, 0))
        {
            if (!FpuStack.Underflow(s))
            {
                return false;
            }
            value = Float80.Indefinite;
        }
        else
        {
            FpuStack.Report(s, 0, c1: false);
        }
        FpuStack.Set(s, i, value);
        return true;
    }
}

/// <summary>FSTP ST(i).</summary>
readonly unsafe struct StoreRegisterPop : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        if (!FpuStack.IsEmpty(s, 0))
        {
            FpuStack.Set(s, opcode & 7, FpuStack.Get(s, 0));
            FpuStack.Note(s, 0, pops: true);
        }
        else if (StoreRegister.TryStore(s, opcode & 7))
        {
            FpuStack.Pop(s);
        }
    }
}

/// <summary>FSTPNCE, an alias of FSTP ST(i) that takes no notice of an empty ST(0) and then stores nothing.</summary>
readonly unsafe struct StoreRegisterUnchecked : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        if (!FpuStack.IsEmpty(s, 0))
        {
            FpuStack.Set(s, opcode & 7, FpuStack.Get(s, 0));
        }
        FpuStack.Report(s, 0, c1: false);
        FpuStack.Pop(s);
    }
}

/// <summary>FXCH.</summary>
readonly unsafe struct Exchange : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        int i = opcode & 7;
        Float80 top = FpuStack.Get(s, 0), other = FpuStack.Get(s, i);
        bool topIsEmpty = FpuStack.IsEmpty(s, 0), otherIsEmpty = FpuStack.IsEmpty(s, i);
        if (topIsEmpty || otherIsEmpty)
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
            top = topIsEmpty ? Float80.Indefinite : top;
            other = otherIsEmpty ? Float80.Indefinite : other;
        }
        else
        {
            FpuStack.Report(s, 0, c1: false);
        }
        FpuStack.Set(s, 0, other);
        FpuStack.Set(s, i, top);
    }
}

/// <summary>FCMOVcc: the condition is in the ModRM byte (B E BE U), its negation in the opcode (DB).</summary>
readonly unsafe struct ConditionalMove : IRegisterInstruction
{
    const int Negated = 0x100;

    public static void Execute(CpuState* s, int opcode)
    {
        int i = opcode & 7;
        if (FpuStack.IsEmpty(s, 0) || FpuStack.IsEmpty(s, i))
        {
            // Whatever the condition is.
            if (FpuStack.Underflow(s))
            {
                FpuStack.Set(s, 0, Float80.Indefinite);
            }
            return;
        }
        bool condition = (opcode >> 3 & 3) switch
        {
            0 => s->Flags.CF,
            1 => s->Flags.ZF,
            2 => s->Flags.CF | s->Flags.ZF,
            _ => s->Flags.PF,
        };
        if (condition != ((opcode & Negated) != 0))
        {
            FpuStack.Set(s, 0, FpuStack.Get(s, i));
        }
    }
}

/// <summary>FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2 and FLDZ, rounded as the control word says.</summary>
readonly unsafe struct LoadConstant : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        if (!FpuStack.IsEmpty(s, -1))
        {
            if (FpuStack.Overflow(s))
            {
                FpuStack.Push(s, Float80.Indefinite);
            }
            return;
        }
        FpuStack.Report(s, 0, c1: false);
        (int exponent, ulong high, ulong low) = (opcode & 7) switch
        {
            0 => (0, Float80.IntegerBit, 0UL),
            1 => (1, 0xD49A784BCD1B8AFEUL, 0x492BF6FF4DAFDB4CUL),
            2 => (0, 0xB8AA3B295C17F0BBUL, 0xBE87FED0691D3E88UL),
            3 => (1, 0xC90FDAA22168C234UL, 0xC4C6628B80DC1CD1UL),
            4 => (-2, 0x9A209A84FBCFF798UL, 0x8F8959AC0B7C9178UL),
            5 => (-1, 0xB17217F7D1CF79ABUL, 0xC9E3B39803F2F6AFUL),
            _ => (-Float80.Bias, 0UL, 0UL),
        };
        Rounding rounding = new FpuContext(s->FpuControl).Rounding;
        bool up = Rounder.RoundsUp(rounding, false, (high & 1) != 0, low);
        FpuStack.Push(s, Float80.From(false, exponent + Float80.Bias, up ? high + 1 : high));
    }
}

/// <summary>FXTRACT: ST(0) becomes its exponent, then its significand is pushed.</summary>
readonly unsafe struct Extract : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        FpuContext c = new(s->FpuControl);
        Float80 exponent = Float80.Indefinite, significand = Float80.Indefinite;
        if (FpuStack.IsEmpty(s, 0))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
        }
        else if (!FpuStack.IsEmpty(s, -1))
        {
            if (!FpuStack.Overflow(s))
            {
                return;
            }
        }
        else
        {
            (exponent, significand) = Scaling.Extract(ref c, FpuStack.Get(s, 0));
            if (!FpuStack.Complete(s, c))
            {
                return;
            }
        }
        FpuStack.Set(s, 0, exponent);
        FpuStack.Push(s, significand);
    }
}

/// <summary>FPREM.</summary>
readonly unsafe struct PartialRemainder : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => Divide(s, &Remainder.Truncating);

    /// <summary>ST(0) modulo ST(1); the quotient's last bits are the condition codes.</summary>
    public static void Divide(CpuState* s, delegate*<ref FpuContext, Float80, Float80, Remainder> remainder)
    {
        FpuContext c = new(s->FpuControl);
        Remainder result = new(Float80.Indefinite, null);
        s->FpuStatus &= unchecked((ushort)~FpuStatusWord.C2);
        if (FpuStack.IsEmpty(s, 0) || FpuStack.IsEmpty(s, 1))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
        }
        else
        {
            result = remainder(ref c, FpuStack.Get(s, 0), FpuStack.Get(s, 1));
            if (!FpuStack.Complete(s, c))
            {
                return;
            }
        }
        FpuStack.Set(s, 0, result.Value);
        if (result.Conditions is { } conditions)
        {
            s->FpuStatus = (ushort)((s->FpuStatus & ~FpuStatusWord.ConditionCodes) | conditions);
        }
    }
}

/// <summary>FPREM1.</summary>
readonly unsafe struct NearestRemainder : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode) => PartialRemainder.Divide(s, &Remainder.Nearest);
}

/// <summary>FINCSTP.</summary>
readonly unsafe struct IncrementTop : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        FpuStack.Rotate(s, 1);
        FpuStack.Report(s, 0, c1: false);
    }
}

/// <summary>FDECSTP.</summary>
readonly unsafe struct DecrementTop : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        FpuStack.Rotate(s, -1);
        FpuStack.Report(s, 0, c1: false);
    }
}

/// <summary>FFREE.</summary>
readonly unsafe struct Free : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        FpuStack.Free(s, opcode & 7);
        FpuStack.Report(s, 0, c1: false);
    }
}

/// <summary>FFREEP: FFREE and a pop that leaves the tag of the old ST(0).</summary>
readonly unsafe struct FreePop : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
        FpuStack.Free(s, opcode & 7);
        FpuStack.Pop(s);
        FpuStack.Report(s, 0, c1: false);
    }
}

/// <summary>FNOP.</summary>
readonly unsafe struct NoOperation : IRegisterInstruction
{
    public static void Execute(CpuState* s, int opcode)
    {
    }
}
