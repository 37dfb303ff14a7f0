namespace FastVcpu.Cli.Calling;

/// <summary>The registers that carry arguments and the result.</summary>
static class CallArguments
{
    /// <summary>DI SI DX CX R8 R9, as register numbers.</summary>
    static ReadOnlySpan<byte> Registers => [7, 6, 2, 1, 8, 9];

    /// <summary>How many arguments a guest of <paramref name="bits"/> can take in registers.</summary>
    public static int Most(int bits) => bits == 64 ? 6 : 4;

    public static void Set(Vcpu cpu, ulong[] arguments, int bits)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            cpu.Regs[Registers[i]] = arguments[i] & Mask(bits);
        }
    }

    public static ulong Result(Vcpu cpu, int bits) => cpu.Regs.Rax & Mask(bits);

    static ulong Mask(int bits) => ulong.MaxValue >> (64 - bits);
}
