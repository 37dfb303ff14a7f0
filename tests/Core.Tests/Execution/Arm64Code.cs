namespace FastVcpu.Tests.Execution;

/// <summary>The few instructions of Arm64 by which the code of a method is followed and its calls are told apart.</summary>
static unsafe class Arm64Code
{
    const int Longest = 1 << 14;

    /// <summary>Follows the code of a method to its end and looks for a call through a register that was not loaded from a cell of the runtime, whose address is a constant.</summary>
    public static string? CallThroughPointer(uint* code)
    {
        int reached = 0;
        for (int at = 0; at < Longest; at++)
        {
            uint word = code[at];
            if ((word & 0xFFFFFC1F) == 0xD63F0000 && !IsConstant(code, at, word >> 5 & 31))
            {
                return $"blr x{word >> 5 & 31} at {at * sizeof(uint)}, behind {string.Join(' ', new ReadOnlySpan<uint>(code + Math.Max(0, at - 8), Math.Min(at, 8)).ToArray().Select(w => w.ToString("x8")))}";
            }
            reached = Math.Max(reached, at + Branch(word));
            // B, BR, RET, BRK.
            bool ends = (word & 0xFC000000) == 0x14000000 || (word & 0xFFFFFC1F) is 0xD61F0000 or 0xD65F0000 || (word & 0xFFE0001F) == 0xD4200000;
            if (ends && at >= reached)
            {
                return null;
            }
        }
        return "no end";
    }

    /// <summary>Distance of a branch within the method in instructions, or 0.</summary>
    static int Branch(uint word) => word switch
    {
        _ when (word & 0xFC000000) == 0x14000000 => Within((int)(word << 6) >> 6),
        // B.cond; CBZ, CBNZ; TBZ, TBNZ.
        _ when (word & 0xFF000010) == 0x54000000 || (word & 0x7E000000) == 0x34000000 => Within((int)(word << 8) >> 13),
        _ when (word & 0x7E000000) == 0x36000000 => Within((int)(word << 13) >> 18),
        _ => 0,
    };

    static int Within(int distance) => distance < Longest ? distance : 0;

    /// <summary>Whether a register holds a constant, or what is read from a constant address.</summary>
    static bool IsConstant(uint* code, int at, uint register)
    {
        while (--at >= 0)
        {
            uint word = code[at];
            if ((word & 31) != register)
            {
                continue;
            }
            // MOVZ; LDR of a literal; ADR, ADRP.
            if ((word & 0xFF800000) == 0xD2800000 || (word & 0xFF000000) == 0x58000000 || (word & 0x1F000000) == 0x10000000)
            {
                return true;
            }
            // LDR of 64 bits; ADD of an immediate: it depends on the base.
            if ((word & 0xFFC00000) == 0xF9400000 || (word & 0xFF800000) == 0x91000000)
            {
                return IsConstant(code, at, word >> 5 & 31);
            }
            // MOVK changes a part; everything else that names the register in this place counts as writing it, but for stores and branches.
            bool isMovk = (word & 0xFF800000) == 0xF2800000, isStore = (word & 0x3B400000) is 0x39000000 or 0x38000000 || (word & 0x3A400000) == 0x28000000;
            if (!isMovk && !isStore && (word & 0x1C000000) != 0x14000000)
            {
                return false;
            }
        }
        return false;
    }
}
