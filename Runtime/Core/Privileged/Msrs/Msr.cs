using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>Reads a model-specific register.</summary>
unsafe delegate ulong MsrReader(CpuState* s);

/// <summary>Writes a model-specific register; false: the value is not allowed, and nothing has changed.</summary>
unsafe delegate bool MsrWriter(CpuState* s, ulong value);

/// <summary>The place of a register in the state.</summary>
unsafe delegate ref ulong MsrField(CpuState* s);

/// <summary>One model-specific register.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Feature">The feature that it comes with.</param>
/// <param name="Read">Its value.</param>
/// <param name="Write">Takes a value of the guest's; null: the guest may not write it.</param>
/// <param name="Set">Takes a value of the embedder's; null: as the guest's.</param>
sealed unsafe record Msr(uint Index, CpuFeature Feature, MsrReader Read, MsrWriter? Write, MsrWriter? Set = null)
{
    /// <summary>A register of which only some bits may be set.</summary>
    public static Msr Bits(uint index, CpuFeature feature, MsrField field, ulong allowed = ulong.MaxValue) =>
        Checked(index, feature, field, (_, value) => (value & ~allowed) == 0);

    /// <summary>A register that takes the low half of what is written.</summary>
    public static Msr LowHalf(uint index, CpuFeature feature, MsrField field) => new(index, feature, s => field(s), (s, value) =>
    {
        field(s) = (uint)value;
        return true;
    });

    /// <summary>A linear address, which has to be canonical.</summary>
    public static Msr Address(uint index, CpuFeature feature, MsrField field) => Checked(index, feature, field, SlowPath.IsCanonical);

    /// <summary>A register that takes the values that pass a check.</summary>
    public static Msr Checked(uint index, CpuFeature feature, MsrField field, MsrWriter isValid) => new(index, feature, s => field(s), (s, value) =>
    {
        bool valid = isValid(s, value);
        if (valid)
        {
            field(s) = value;
        }
        return valid;
    });

    /// <summary>The same register, which the guest may not write.</summary>
    public Msr ForEmbedder() => this with { Write = null, Set = Write };

    /// <summary>A register that always has one value; writes are ignored, or refused.</summary>
    public static Msr Constant(uint index, CpuFeature feature, ulong value, bool ignoresWrites = false) =>
        new(index, feature, _ => value, ignoresWrites ? (_, _) => true : null);
}
