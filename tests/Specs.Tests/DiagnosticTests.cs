using FastVcpu.Specs;

namespace FastVcpu.Tests;

/// <summary>What is wrong is reported with line and column; everything at once.</summary>
public sealed class DiagnosticTests
{
    const string Add = "ADD sem=Alu.Add\n";

    [Theory]
    [InlineData("add sem=Alu.Add\n    00 /r | Eb Gb", 1, 1, "`add` is not a mnemonic")]
    [InlineData("ADD\n    00 /r | Eb Gb", 2, 5, "no `sem=`")]
    [InlineData("ADD sem=Alu.Add", 1, 1, "has no form")]
    [InlineData("    00 /r | Eb Gb", 1, 5, "without an instruction line")]
    [InlineData("ADD sem=Alu.Add | Eb\n    00 /r | Eb Gb", 1, 1, "an instruction line is")]
    [InlineData("ADD sem=Alu.Add lok\n    00 /r | Eb Gb", 1, 17, "`lok` is not an attribute")]
    [InlineData("ADD sem=Alu.Add lock lock\n    00 /r | Eb Gb", 1, 22, "`lock` is there twice")]
    [InlineData("ADD sem=alu.Add\n    00 /r | Eb Gb", 1, 5, "`alu.Add` is not [cpu:|raw:]Class.Method")]
    [InlineData("ADD sem=Alu.Add flags=w:oszx\n    00 /r | Eb Gb", 1, 17, "`w:oszx` is not a list")]
    [InlineData("ADD sem=Alu.Add flags=r:cc\n    00 /r | Eb Gb", 1, 17, "`r:cc` is not a list")]
    [InlineData("ADD sem=Alu.Add cpu=8087\n    00 /r | Eb Gb", 1, 17, "`8087` is not a feature")]
    [InlineData("ADD sem=Alu.Add end=loop\n    00 /r | Eb Gb", 1, 17, "`loop` is not jcc")]
    [InlineData("ADD sem=Alu.Add end=exit\n    00 /r | Eb Gb", 1, 17, "takes a `raw:` row")]
    [InlineData("ADD sem=Alu.Add rep=yes\n    00 /r | Eb Gb", 1, 17, "`yes` is not rep")]
    [InlineData("ADD sem=Alu.Add cpl=3\n    00 /r | Eb Gb", 1, 17, "`3` is not 0")]
    [InlineData("ADD sem=Alu.Add shadow=x\n    00 /r | Eb Gb", 1, 17, "`x` is not ss or sti")]
    [InlineData("ADD sem=Alu.Add lock=maybe\n    00 /r | Eb:rw Gb", 1, 17, "`maybe` is not implicit")]
    [InlineData("ADD sem=Alu.Add exc=#GB\n    00 /r | Eb Gb", 1, 17, "`#GB` is not a list")]
    [InlineData("ADD sem=Alu.Add undef=o\n    00 /r | Eb Gb", 1, 17, "`o` is not FLAGS@CONDITION")]
    [InlineData("J{cc} sem=Branch.Test\n    70 cb | Jb | end=jcc", 2, 5, "go together")]
    [InlineData(Add + "    00 /r | Eb Gb | | x", 2, 5, "more than three columns")]
    [InlineData(Add + "    | Eb Gb", 2, 5, "the encoding is missing")]
    [InlineData(Add + "    /r | Eb Gb", 2, 5, "an opcode is expected")]
    [InlineData(Add + "    0G /r | Eb Gb", 2, 5, "an opcode is expected")]
    [InlineData(Add + "    01+r | Zv", 2, 5, "low bits of the opcode must be zero")]
    [InlineData(Add + "    66 F3 0F 01 /r | Eb Gb", 2, 8, "a second mandatory prefix")]
    [InlineData(Add + "    00 40 | Eb Gb", 2, 8, "a fixed ModRM byte")]
    [InlineData(Add + "    00 /r xx | Eb Gb", 2, 11, "`xx` is not expected here")]
    [InlineData(Add + "    VEX.128.66.0G.WIG 58 /r | Vx:w Wx", 2, 16, "`0G` is not expected in a VEX prefix")]
    [InlineData(Add + "    VEX.66.0F.WIG 58 /r | Vdq:w Wdq", 2, 5, "has no length")]
    [InlineData(Add + "    00 /r | Eb Gbb", 2, 16, "`Gbb` is not an operand")]
    [InlineData(Add + "    00 /r | Eb:x Gb", 2, 16, "an access is r, w, rw or m")]
    [InlineData(Add + "    VEX.LIG.0F.WIG 58 /r | Vx:w Hd:m", 2, 33, "`:m` is for the `H` register above")]
    [InlineData(Add + "    NP 0F 58 /r | Vdq:rw Wdq | vex=512", 2, 32, "`512` is not 128, 256 or LIG")]
    [InlineData(Add + "    NP 0F 58 /r | Vdq:rw Wdq | vex=128:AVX9", 2, 32, "`AVX9` is not a feature")]
    [InlineData(Add + "    0F 58 /r | Vdq:rw Wdq | vex=128", 2, 5, "for legacy encodings with NP, 66, F3 or F2")]
    [InlineData(Add + "    VEX.128.0F.WIG 58 /r | Vdq:w Wdq | vex=128", 2, 5, "for legacy encodings")]
    [InlineData(Add + "    F3 0F 11 /r | Wd:w Vd | vex=LIG", 2, 19, "need rows of their own")]
    [InlineData(Add + "    F3 0F 11 /r | Vqq:w Ub | vex=LIG,256\n    F3 0F 12 /r | Ut:rw | vex=LIG", 3, 19, "`Ut` is not an operand")]
    [InlineData(Add + "    00 | Eb Gb", 2, 10, "`Eb` needs a ModRM byte")]
    [InlineData(Add + "    00 /0 | Eb Gb", 2, 16, "a part of the opcode")]
    [InlineData(Add + "    00 /r | Eb Gb Hdq", 2, 19, "`Hdq` needs VEX")]
    [InlineData(Add + "    00 /r | Eb Mb", 2, 16, "encoded at the same place")]
    [InlineData(Add + "    A0 mo | AL Ob Xlatb", 2, 5, "more than one memory operand")]
    [InlineData(Add + "    04 | AL:rw Ib", 2, 5, "need the immediate fields `ib`")]
    [InlineData(Add + "    04 iw | AL:rw Ib", 2, 5, "need the immediate fields `ib`")]
    [InlineData(Add + "    50+r | Gb", 2, 5, "`+r` and a `Z` operand go together")]
    [InlineData(Add + "    00 /r | AL AH CL Gb", 2, 22, "only the first 3 operands")]
    [InlineData(Add + "    00 /r | Gv Ez", 2, 16, "does not go with operands of width v")]
    [InlineData(Add + "    VEX.LIG.0F.WIG 58 /r | Vx:w Wx", 2, 28, "needs a vector length")]
    [InlineData(Add + "    VEX.LZ.0F38.W0 F2 /r | Gy:w Ey", 2, 28, "needs `W` in the VEX prefix")]
    [InlineData("ADD sem=Alu.Add<T>\n    58 /r | Vdq:w Wdq", 1, 5, "no operand has an integer width")]
    [InlineData(Add + "    04 ib | AL:rw Ib:w", 2, 19, "cannot be written")]
    [InlineData(Add + "    50+r | Push Zv", 2, 12, "a push is written")]
    [InlineData(Add + "    58+r | Pop:w Zv:w", 2, 12, "a pop is read")]
    [InlineData(Add + "    8E /r | Sw:w Ew", 2, 13, "takes a `raw:` row")]
    [InlineData(Add + "    A4 | Yb:w Xb", 2, 10, "takes a `raw:` row")]
    [InlineData(Add + "    00 /r | Eb Gb | 64 !64", 2, 24, "contradict each other")]
    [InlineData(Add + "    00 /r | Rb Gb | mem", 2, 5, "neither a register nor a memory form")]
    [InlineData(Add + "    98 | AX:w AL | o64 !64", 2, 5, "contradict each other")]
    [InlineData(Add + "    EB cb | Jb", 2, 5, "and a `J` operand go together")]
    [InlineData(Add + "    0F A3 /r | Bitv", 2, 16, "needs the register with the bit offset")]
    [InlineData(Add + "    00 /r | Eb Gb\n    00 /r | Eb Gb", 3, 5, "overlaps")]
    [InlineData(Add + "    00 /r | Eb Gb\n    00 | AL", 3, 5, "differ in having a ModRM byte")]
    [InlineData(Add + "    0F 00 /r | Eb Gb\n    66 0F 00 /r | Eb Gb\n    NFx 0F 00 /r | Eb Gb\n    F2 0F 00 /r | Eb Gb\n    F3 0F 00 /r | Eb Gb", 2, 5, "other rows win")]
    public void AnErrorHasItsPlace(string rows, int line, int column, string message)
    {
        IReadOnlyList<SpecError> errors = Spec.Of(rows).Errors;
        Assert.Contains(errors, e => e.Place.Line == line && e.Place.Column == column && e.Message.Contains(message));
        Assert.All(errors, e => Assert.Equal(Spec.RowsFile, e.Place.File));
    }

    [Fact]
    public void AllErrorsAreReportedAtOnce()
    {
        Specification specification = Spec.Of("ADD sem=Alu.Add\n    00 /r | Ex Gb\n    01 /x | Ev Gv\nSUB\n    28 /r | Eb Gb\nAND sem=Alu.And lok\n    20 /r | Eb Gb");
        Assert.Equal([2, 3, 5, 6], specification.Errors.Select(e => e.Place.Line).Order());
    }

    [Theory]
    [InlineData("operands", "width b 8\nwidth b 16", 2, 7, "there twice")]
    [InlineData("operands", "width b eight", 1, 9, "is not a size")]
    [InlineData("operands", "width b 8\nletter E modrm gpr b", 2, 10, "is not a place")]
    [InlineData("operands", "width b 8\nletter E modrm.rm gp b", 2, 19, "is not a class")]
    [InlineData("operands", "width b 8\nletter E modrm.rm gpr w", 2, 23, "is not a width")]
    [InlineData("operands", "register AL", 1, 1, "expected")]
    [InlineData("fusion", "load MOV:Gv,Ev", 1, 6, "is no form")]
    [InlineData("fusion", "load\nload", 2, 1, "there twice")]
    [InlineData("fusion", "load\nload | stor", 2, 8, "is no name of steps")]
    [InlineData("fusion", "a | b | c", 1, 1, "expected")]
    [InlineData("features", "MMX Mmx 1.EDX | MMX", 1, 9, "is not `-`")]
    [InlineData("features", "MMX Mmx - rows | MMX", 1, 11, "is not `norows`")]
    [InlineData("features", "MMX Mmx - | MMX\nMMX Other - | MMX", 2, 1, "there twice")]
    [InlineData("cpus", "486 I486 extends=386 | Intel 486", 1, 10, "no such model")]
    [InlineData("cpus", "486 I486 famly=4 | Intel 486", 1, 10, "is not extends=")]
    [InlineData("cpus", "486 I486 family=4 | Intel 486\n    FPU", 2, 5, "is not a feature")]
    public void TablesAreCheckedToo(string table, string text, int line, int column, string message)
    {
        SpecError error = Assert.Single(Specification.Load([new SpecFile($"tables/{table}.isa", text)]).Errors);
        Assert.Contains(message, error.Message);
        Assert.Equal((line, column), (error.Place.Line, error.Place.Column));
    }
}
