using FastVcpu.Specs;

namespace FastVcpu.Tests;

/// <summary>What is derived from a row.</summary>
public sealed class ExpansionTests
{
    [Fact]
    public void ConditionsBecomeSixteenForms()
    {
        IReadOnlyList<Form> forms = Forms("J{cc} sem=Branch.Test({cc}) flags=r:cc end=jcc\n    70+cc cb | Jb");
        Assert.Equal(16, forms.Count);
        Assert.Equal("JNE", forms[5].Mnemonic);
        Assert.Equal(0x75, forms[5].Opcode);
        Assert.Equal("5", forms[5].Semantics.Arguments);
        Assert.Equal(0x40u, forms[5].Flags.Read);
        Assert.Equal(OperandSizeRule.Default64, forms[5].SizeRule);
    }

    [Fact]
    public void AVectorLengthThatSelectsBecomesTwoForms() =>
        Assert.Equal([0, 1], Forms("VADDPS sem=Simd.Add\n    VEX.L.0F.WIG 58 /r | Vx:w Hx Wx").Select(f => f.L!.Value));

    [Theory]
    [InlineData("66 0F FC /r | Vdq:rw Wdq | vex=128", "VEX.128.66.0F.WIG FC /r", "Vdq:w Hdq Wdq")]
    [InlineData("66 0F FC /r | Vdq:rw Wdq | vex=256:AVX2", "VEX.256.66.0F.WIG FC /r", "Vqq:w Hqq Wqq")]
    [InlineData("66 0F 38 1C /r | Vdq:w Wdq | vex=128", "VEX.128.66.0F38.WIG 1C /r", "Vdq:w Wdq")]
    [InlineData("66 0F 38 CF /r | Vdq:rw Wdq | vex=128.W0:GFNI+AVX", "VEX.128.66.0F38.W0 CF /r", "Vdq:w Hdq Wdq")]
    [InlineData("F3 0F 58 /r | Vd:rw Wd | vex=LIG", "VEX.LIG.F3.0F.WIG 58 /r", "Vd:w Hd Wd")]
    [InlineData("F3 0F 51 /r | Vd:w Wd | vex=LIG", "VEX.LIG.F3.0F.WIG 51 /r", "Vd:w Hd:m Wd")]
    [InlineData("F3 0F 11 /r | Ud:w Vd | vex=LIG", "VEX.LIG.F3.0F.WIG 11 /r", "Ud:w Hd:m Vd")]
    [InlineData("F3 0F 11 /r | Md:w Vd | vex=LIG", "VEX.LIG.F3.0F.WIG 11 /r", "Md:w Vd")]
    [InlineData("F3 0F 2A /r | Vd:w Ey | vex=LIG", "VEX.LIG.F3.0F.W 2A /r", "Vd:w Hd:m Ey")]
    [InlineData("66 0F 71 /2 ib | Udq:rw Ib | vex=256", "VEX.256.66.0F.WIG 71 /2 ib", "Hqq:w Uqq Ib")]
    [InlineData("66 0F D1 /r | Vdq:rw Wo | vex=256", "VEX.256.66.0F.WIG D1 /r", "Vqq:w Hqq Wo")]
    [InlineData("NP 0F 5A /r | Vdq:w Wq | vex=256", "VEX.256.0F.WIG 5A /r", "Vqq:w Wdq")]
    [InlineData("66 0F 3A 14 /r ib | Mb:w Vdq Ib | vex=128", "VEX.128.66.0F3A.WIG 14 /r ib", "Mb:w Vdq Ib")]
    [InlineData("REX.W 66 0F 7E /r | Eq:w Vq | vex=128", "VEX.128.66.0F.W1 7E /r", "Eq:w Vq")]
    public void VexFormsFollowFromARow(string form, string encoding, string operands)
    {
        IReadOnlyList<Form> forms = Forms($"PADDB sem=Simd.Add\n    {form}");
        Assert.Equal(["PADDB", "VPADDB"], forms.Select(f => f.Mnemonic));
        Assert.Equal((encoding, operands), (forms[1].Row.Text, string.Join(' ', forms[1].Operands.Select(o => o.Word.Text))));
    }

    [Fact]
    public void VexOnAnInstructionLineIsNotForMmxForms() =>
        Assert.Equal(
            ["MMX", "SSE2", "AVX", "AVX2"],
            Forms("PADDB sem=Simd.Add vex=128,256:AVX2\n    NP 0F FC /r | Pq:rw Qq | mmx cpu=MMX\n    66 0F FC /r | Vdq:rw Wdq | cpu=SSE2")
                .Select(f => f.Features.Single().Name));

    [Theory]
    [InlineData("vex=128", false)]
    [InlineData("vex=128 aligned", true)]
    [InlineData("vex=128 unaligned", false)]
    public void VexFormsAreAlignedOnlyWhereTheRowSaysSo(string attributes, bool aligned) =>
        Assert.Equal(aligned, Forms($"X sem=Simd.Add\n    66 0F 58 /r | Vdq:rw Wdq | {attributes}")[1].NeedsAlignment);

    [Theory]
    [InlineData("01 /r | Ev:rw Gv", "16 32 64")]
    [InlineData("01 /r | Ev:rw Gv | !64", "16 32")]
    [InlineData("01 /r | Ev:rw Gv | o32", "32")]
    [InlineData("50+r | Push:w Zv | d64 64", "16 64")]
    [InlineData("00 /r | Eb:rw Gb", "")]
    [InlineData("ED | eAX:w DX", "16 32")]
    [InlineData("VEX.LZ.0F38.W F2 /r | Gy:w By Ey", "32 64")]
    public void WidthsFollowFromOperandsAndModes(string form, string widths) =>
        Assert.Equal(widths, string.Join(' ', Form($"X sem=Alu.Add\n    {form}").Widths));

    [Theory]
    [InlineData("01 /r | Ev:rw Gv", true, true)]
    [InlineData("01 /r | Rv:rw Gv", true, false)]
    [InlineData("01 /r | Mv:rw Gv", false, true)]
    [InlineData("0F 01 D0", true, false)]
    [InlineData("0F AE /5 | | reg", true, false)]
    [InlineData("0F 18 /1 | | mem", false, true)]
    [InlineData("0F 20 /r | | anymod", true, false)]
    public void RegisterAndMemoryFormsFollowFromOperands(string form, bool register, bool memory)
    {
        Form parsed = Form($"X sem=Alu.Add\n    {form}");
        Assert.Equal((register, memory), (parsed.HasRegisterForm, parsed.HasMemoryForm));
    }

    [Theory]
    [InlineData("00 /r | Eb:rw Gb", LockRule.Legal)]
    [InlineData("02 /r | Gb:rw Eb", LockRule.Illegal)]
    [InlineData("04 ib | AL:rw Ib", LockRule.Illegal)]
    public void LockIsForFormsThatWriteMemory(string form, LockRule rule) => Assert.Equal(rule, Form($"ADD sem=Alu.Add lock\n    {form}").Lock);

    [Theory]
    [InlineData("66 0F 58 /r | Vdq:rw Wdq", true)]
    [InlineData("66 0F 10 /r | Vdq:w Wdq | unaligned", false)]
    [InlineData("F2 0F 58 /r | Vq:rw Wq", false)]
    [InlineData("VEX.128.66.0F.WIG 58 /r | Vdq:w Wdq", false)]
    [InlineData("0F C7 /1 | Mdq:rw | aligned", true)]
    public void LegacyVectorsInMemoryAreAligned(string form, bool aligned) => Assert.Equal(aligned, Form($"X sem=Simd.Add\n    {form}").NeedsAlignment);

    [Fact]
    public void FlagsOfARow()
    {
        FlagEffects flags = Form("SHL sem=Shift.Shl flags=r:c,w:oszp?,u:a,0:c\n    D3 /4 | Ev:rw CL").Flags;
        Assert.Equal((1u, 0x8D5u, 0x11u), (flags.Read, flags.Changed, flags.Overwritten));
    }

    [Fact]
    public void OverridesReplaceAttributes() =>
        Assert.Equal("MOVBE", Assert.Single(Form("X sem=Alu.Add cpu=386\n    0F 38 F0 /r | Gv:w Mv | cpu=MOVBE").Features).Name);

    [Fact]
    public void TheMoreSpecificRowComesFirst()
    {
        IReadOnlyList<Form> forms = Forms("XCHG sem=Move.Swap\n    90+r | Zv:rw rAX:rw\nNOP sem=Hint.Nop\n    90 | | !REX.B\nPAUSE sem=Hint.Nop\n    F3 90");
        OpcodeEntry entry = OpcodeEntry.All(forms).Single(e => e.Opcode == 0x90);
        Assert.Equal(["PAUSE", "NOP", "XCHG"], entry.Candidates.Select(c => c.Form.Mnemonic));
    }

    [Theory]
    [InlineData("98 | RAX:w EAX | o64", DecodeContext.OperandSize | DecodeContext.Is64, 2u << DecodeContext.OperandSizeShift | DecodeContext.Is64)]
    [InlineData("E3 cb | Jb | a32 end=jcc", DecodeContext.AddressSize, 1u << DecodeContext.AddressSizeShift)]
    [InlineData("9C | Push:w rAX | o16 d64", DecodeContext.OperandSize, 0u)]
    [InlineData("F3 0F B8 /r | Gv:w Ev", DecodeContext.Prefix, 2u << DecodeContext.PrefixShift)]
    [InlineData("NFx 0F 38 F0 /r | Gv:w Ev", 2u << DecodeContext.PrefixShift, 0u)]
    [InlineData("0F C7 /6 | Rv:w", DecodeContext.Reg | DecodeContext.RegisterForm, 6u << DecodeContext.RegShift | DecodeContext.RegisterForm)]
    [InlineData("D8 C0+i | STi", DecodeContext.Reg | DecodeContext.RegisterForm, DecodeContext.RegisterForm)]
    public void PatternsSayWhenAFormIsChosen(string form, uint mask, uint value) =>
        Assert.Equal(new DecodePattern(mask, value), Assert.Single(Form($"X sem=Alu.Add\n    {form}").Patterns));

    [Fact]
    public void AVectorIndexTakesASib() => Assert.All(
        Form("VPGATHERDD sem=raw:Gather.Doublewords\n    VEX.128.66.0F38.W0 90 /r | Vdq:rw Vm Hdq:rw").Patterns,
        p => Assert.Equal(4u << DecodeContext.RmShift, p.Value & DecodeContext.Rm));

    static Form Form(string rows) => Assert.Single(Forms(rows));

    static IReadOnlyList<Form> Forms(string rows)
    {
        Specification specification = Spec.Of(rows);
        Assert.Empty(specification.Errors);
        return specification.Forms;
    }
}
