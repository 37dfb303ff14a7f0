using System.Text;

namespace FastVcpu.Fuzz.Code;

/// <summary>Tells in what two ends of one case differ.</summary>
static class Comparison
{
    /// <summary>The flags of a program: CF PF AF ZF SF DF OF NT AC ID.</summary>
    const ulong ProgramFlags = 0x244CD5, ArithmeticFlags = 0x8D5;

    const int FxControl = 0, FxStatus = 2, FxTag = 4, FxMxcsr = 24, FxStack = 32, FxVectors = 160;

    static readonly string[] Names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Empty when nothing differs.</summary>
    /// <param name="kind">What kind of code it was.</param>
    /// <param name="here">What the virtual CPU left.</param>
    /// <param name="there">What the reference left.</param>
    /// <param name="isExact">Undefined results are equal too: both ends are the virtual CPU's.</param>
    public static string Differences(CodeKind kind, in TestCase here, in TestCase there, bool isExact)
    {
        StringBuilder text = new();
        ref readonly MachineState a = ref here.State, b = ref there.State;
        if (a.Vector == MachineState.EndedByLimit && !isExact)
        {
            return "";
        }
        const uint Debug = 1;
        ulong width = kind == CodeKind.Long ? ulong.MaxValue : uint.MaxValue;
        Number("vector", a.Vector, b.Vector, ulong.MaxValue);
        if (a.Vector is 8 or (>= 10 and <= 14) or 17)
        {
            // The system has something mapped on the last page of its programs' half.
            const ulong LastPage = 0x7FFF_FFFF_F;
            const uint Present = 1;
            Number("error", a.ErrorCode, b.ErrorCode, a.Vector == 14 && a.Address >> 12 == LastPage ? ~Present : uint.MaxValue);
        }
        if (a.Vector == 14)
        {
            Number("cr2", a.Address, b.Address, ulong.MaxValue);
        }
        for (int i = 0; i < (kind == CodeKind.Long ? 16 : 8); i++)
        {
            Number(Names[i], a.Gpr[i], b.Gpr[i], width);
        }
        Number("rip", a.Rip, b.Rip, width);
        Number("rflags", a.Rflags, b.Rflags, !isExact && a.Vector == Debug ? ProgramFlags & ~ArithmeticFlags : ProgramFlags);
        ReadOnlySpan<byte> fxA = a.Fx, fxB = b.Fx;
        Bytes("fcw", fxA.Slice(FxControl, 2), fxB.Slice(FxControl, 2));
        Bytes("fsw", fxA.Slice(FxStatus, 2), fxB.Slice(FxStatus, 2));
        Bytes("ftw", fxA.Slice(FxTag, 1), fxB.Slice(FxTag, 1));
        Bytes("mxcsr", fxA.Slice(FxMxcsr, 4), fxB.Slice(FxMxcsr, 4));
        for (int i = 0; i < 8; i++)
        {
            Bytes($"st{i}", fxA.Slice(FxStack + i * 16, 10), fxB.Slice(FxStack + i * 16, 10));
        }
        for (int i = 0; i < (kind == CodeKind.Long ? 16 : 8); i++)
        {
            Bytes($"xmm{i}", fxA.Slice(FxVectors + i * 16, 16), fxB.Slice(FxVectors + i * 16, 16));
            Bytes($"ymmh{i}", ((ReadOnlySpan<byte>)a.Upper).Slice(i * 16, 16), ((ReadOnlySpan<byte>)b.Upper).Slice(i * 16, 16));
        }
        Memory("code", TestCase.CodeStart, here.Code, there.Code);
        Memory("data", TestCase.DataStart, here.Data, there.Data);
        Memory("stack", TestCase.StackStart, here.Stack, there.Stack);
        return text.ToString();

        void Number(string name, ulong x, ulong y, ulong mask)
        {
            if (((x ^ y) & mask) != 0)
            {
                text.Append($"  {name}: {x & mask:x}, reference {y & mask:x}\n");
            }
        }

        void Bytes(string name, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
        {
            if (!x.SequenceEqual(y))
            {
                text.Append($"  {name}: {Convert.ToHexStringLower(x)}, reference {Convert.ToHexStringLower(y)}\n");
            }
        }

        void Memory(string name, ulong start, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
        {
            int at = x.CommonPrefixLength(y);
            if (at < x.Length)
            {
                int from = at & ~7, length = Math.Min(16, x.Length - from);
                text.Append($"  {name} {start + (ulong)from:x}: {Convert.ToHexStringLower(x.Slice(from, length))}, reference {Convert.ToHexStringLower(y.Slice(from, length))}\n");
            }
        }
    }
}
