using System.Text.RegularExpressions;

namespace FastVcpu.Tests;

/// <summary>
/// The generated text of chosen rows, so that a change of the generator is reviewed as text. FASTVCPU_UPDATE_GOLDEN=1 writes the files anew.
/// </summary>
public sealed class GoldenTests
{
    const string Rows = """
        ADD     sem=Alu.Add<T>            flags=w:oszapc   lock
            00 /r     | Eb:rw Gb
            01 /r     | Ev:rw Gv
            03 /r     | Gv:rw Ev
            83 /0 ib  | Ev:rw Ibs
        ADC     sem=Alu.Adc<T>            flags=r:c,w:oszapc
            15 iz     | rAX:rw Iz
        CMP     sem=Alu.Cmp<T>            flags=w:oszapc
            39 /r     | Ev Gv
        MOVZX   sem=Move.Zx<T>            cpu=386
            0F B6 /r  | Gv:w Eb
        LEA     sem=Move.Address<T>
            8D /r     | Gv:w M
        XCHG    sem=Move.Swap<T>          lock=implicit
            87 /r     | Ev:rw Gv:rw
        BTS     sem=Bit.Set<T>            flags=w:c        cpu=386   lock
            0F AB /r  | Bitv:rw Gv
        DIV     sem=cpu:MulDiv.Div<T>     flags=u:oszapc
            F7 /6     | rAX:rw rDX:rw Ev
        PUSH    sem=Move.Copy<T>          d64
            50+r      | Push:w Zv
            FF /6     | Push:w Ev
        POP     sem=Move.Copy<T>          d64
            8F /0     | Ev:w Pop
        ENTER   sem=raw:Stack.Enter<T>    stack   d64   cpu=186
            C8 iw ib  | rBP:rw Iw Ib
        XLAT    sem=Move.Copy<T>
            D7        | AL:w Xlatb
        MOV     sem=Move.Copy<T>
            A1 mo     | rAX:w Ov
        J{cc}   sem=Branch.Test({cc})     flags=r:cc       end=jcc
            70+cc cb  | Jb
        CALL    sem=Move.Copy<T>
            E8 cz     | Push:w rIP Jz     | end=call
            FF /2     | Push:w rIP Ev     | d64 end=ind sem=Branch.Call<T>
        RET     sem=Branch.Ret<T>         end=ret   d64
            C3        | Pop
        STI     sem=cpu:Flag.Sti          end=mode   shadow=sti
            FB
        ADDPS   sem=cpu:Float.Add<float>  cpu=SSE
            NP 0F 58 /r                | Vdq:rw Wdq
        VADDPS  sem=cpu:Float.Add<float>  cpu=AVX
            VEX.L.0F.WIG 58 /r         | Vx:w Hx Wx
        MOVQ    sem=Simd.Copy             cpu=SSE2
            F3 0F 7E /r                | Vdq:w Wq    | sem=Simd.Extend
            66 0F D6 /r                | Wq:w Vq
        PADDB   sem=Simd.Add<byte>        cpu=MMX   mmx
            NP 0F FC /r                | Pq:rw Qq
        """;

    static readonly Lazy<GeneratorRun> Run = new(() => new GeneratorRun(IsaFile.Tables.Add(new IsaFile("isa/golden/rows.isa", Rows))));

    static string Handlers => Run.Value.Text("Handlers.golden.rows");

    public static TheoryData<string> Names =>
        new(Regex.Matches(Handlers, @"public static long (\w+)[<(]").Select(m => m.Groups[1].Value).Where(n => !Regex.IsMatch(n, "^J(?!ne_)")).ToArray());

    [Theory]
    [MemberData(nameof(Names))]
    public void Handler(string name) => Compare(name, Regex.Match(Handlers, $@"^    // [^\n]*\n    \[[^\n]*\n    public static long {name}[<(].*?^    }}\n", RegexOptions.Multiline | RegexOptions.Singleline).Value);

    [Theory]
    [InlineData("DecodeTables")]
    [InlineData("HandlerTable.0")]
    public void Table(string name) => Compare(name, Run.Value.Text(name));

    static void Compare(string name, string text)
    {
        string path = Path.Combine(Repository.Root, "tests", "Generator.Tests", "Golden", name + ".txt");
        if (Environment.GetEnvironmentVariable("FASTVCPU_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, text);
        }
        Assert.NotEqual("", text);
        Assert.True(File.Exists(path), $"{path} is missing; FASTVCPU_UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(File.ReadAllText(path).ReplaceLineEndings("\n"), text);
    }
}
