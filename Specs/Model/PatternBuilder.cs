using System.Collections.Generic;
using System.Linq;

namespace FastVcpu.Specs;

/// <summary>Derives the patterns under which a form is chosen.</summary>
sealed class PatternBuilder
{
    const int CsNumber = 1, SegmentRegisters = 6;

    List<DecodePattern> _patterns = new() { default };

    public static IReadOnlyList<DecodePattern> Build(Form form)
    {
        PatternBuilder builder = new();
        builder.Modes(form);
        builder.Prefixes(form.Encoding, form);
        builder.Modrm(form);
        return builder._patterns;
    }

    void Modes(Form form)
    {
        if (form.In64BitMode is bool in64)
        {
            Require(DecodeContext.Is64, in64 ? 1u : 0);
        }
        if (form.OperandSizes.Count > 0)
        {
            RequireOneOf(form.OperandSizes.SelectMany(size => OperandSize(size, form.SizeRule)));
        }
        if (form.AddressSizes.Count > 0)
        {
            RequireOneOf(form.AddressSizes.Select(AddressSize));
        }
        if (form.NeedsProtectedMode)
        {
            Require(DecodeContext.Protected, 1);
        }
    }

    /// <summary>The context's operand size does not know d64 and f64, which the form applies.</summary>
    static IEnumerable<DecodePattern> OperandSize(int size, OperandSizeRule rule)
    {
        DecodePattern plain = Pattern(DecodeContext.OperandSize, Index(size));
        DecodePattern outside = And(plain, Pattern(DecodeContext.Is64, 0));
        DecodePattern inside = And(plain, Pattern(DecodeContext.Is64, 1));
        return (rule, size) switch
        {
            (OperandSizeRule.Normal, 64) => new[] { inside },
            (OperandSizeRule.Normal, _) => new[] { plain },
            (OperandSizeRule.Default64, 16) => new[] { plain },
            (OperandSizeRule.Default64, 64) => new[] { inside, And(Pattern(DecodeContext.OperandSize, 1), Pattern(DecodeContext.Is64, 1)) },
            (OperandSizeRule.Force64, 64) => new[] { Pattern(DecodeContext.Is64, 1) },
            _ => new[] { outside },
        };
    }

    /// <summary>64-bit mode has no 16-bit addresses, and only it has those of 64 bits.</summary>
    static DecodePattern AddressSize(int size)
    {
        DecodePattern plain = Pattern(DecodeContext.AddressSize, Index(size));
        return size == 32 ? plain : And(plain, Pattern(DecodeContext.Is64, size == 64 ? 1u : 0));
    }

    void Prefixes(Encoding encoding, Form form)
    {
        switch (encoding.Prefix)
        {
            case MandatoryPrefix.None:
                Require(DecodeContext.Prefix, 0);
                break;
            case MandatoryPrefix.P66:
                Require(DecodeContext.Prefix, 1);
                break;
            case MandatoryPrefix.F3:
                Require(DecodeContext.Prefix, 2);
                break;
            case MandatoryPrefix.F2:
                Require(DecodeContext.Prefix, 3);
                break;
            case MandatoryPrefix.NoRepeat:
                Require(2u << DecodeContext.PrefixShift, 0);
                break;
        }
        if (encoding.W is int w)
        {
            Require(DecodeContext.W, (uint)w);
        }
        if (form.L is int l)
        {
            Require(DecodeContext.L, (uint)l);
        }
        if (encoding.IsVex && !form.Operands.Any(o => o.Kind.Place == OperandPlace.Vvvv))
        {
            Require(DecodeContext.NoVvvv, 1);
        }
        if (form.RefusesRexB)
        {
            Require(DecodeContext.RexB, 0);
        }
        if (form.RefusesRexR)
        {
            Require(DecodeContext.RexR, 0);
        }
    }

    void Modrm(Form form)
    {
        Encoding encoding = form.Encoding;
        if (!encoding.HasModrm)
        {
            return;
        }
        if (encoding.Digit is int digit)
        {
            Require(DecodeContext.Reg, (uint)digit);
        }
        if (encoding.FixedModrm is int modrm)
        {
            Require(DecodeContext.Reg, (uint)modrm >> 3 & 7);
            if (!encoding.HasModrmRegister)
            {
                Require(DecodeContext.Rm, (uint)modrm & 7);
            }
        }
        if (!form.HasMemoryForm || !form.HasRegisterForm)
        {
            Require(DecodeContext.RegisterForm, form.HasRegisterForm ? 1u : 0);
        }
        if (form.Operands.Any(o => o.Kind.HasVectorIndex))
        {
            // A SIB byte, which 16-bit addresses do not have.
            Require(DecodeContext.Rm, 4);
            RequireOneOf(new[] { AddressSize(32), AddressSize(64) });
        }
        if (form.Operands.Any(o => o.Kind.Class == OperandClass.Seg && o.Kind.Place == OperandPlace.ModrmReg))
        {
            IEnumerable<int> registers = Enumerable.Range(0, SegmentRegisters).Where(n => n != CsNumber || !form.RefusesCs);
            RequireOneOf(registers.Select(n => Pattern(DecodeContext.Reg, (uint)n)));
        }
    }

    static uint Index(int size) => size switch { 16 => 0, 32 => 1, _ => 2 };

    /// <param name="mask">A field of the context.</param>
    /// <param name="value">The value of the field, not shifted.</param>
    static DecodePattern Pattern(uint mask, uint value) => new(mask, value * (mask & (~mask + 1)));

    static DecodePattern And(DecodePattern a, DecodePattern b) => new(a.Mask | b.Mask, a.Value | b.Value);

    void Require(uint mask, uint value) => RequireOneOf(new[] { Pattern(mask, value) });

    void RequireOneOf(IEnumerable<DecodePattern> alternatives)
    {
        List<DecodePattern> all = alternatives.ToList();
        _patterns = _patterns.SelectMany(p => all.Where(a => a.Overlaps(p)).Select(a => And(p, a))).Distinct().ToList();
    }
}
