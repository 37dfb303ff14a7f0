namespace FastVcpu.Fuzz.Machines;

/// <summary>What a machine is in when it starts.</summary>
enum MachineMode
{
    Real,
    /// <summary>Real mode with the limits of protected mode.</summary>
    BigReal,
    Protected16,
    Protected32,
    Virtual8086,
    /// <summary>32-bit code under a 64-bit system.</summary>
    Compatibility,
    Long,
}

/// <summary>How it translates.</summary>
enum PagingMode
{
    None,
    /// <summary>Two levels of 32-bit entries.</summary>
    Legacy,
    /// <summary>Three levels (PAE).</summary>
    Extended,
    FourLevels,
    FiveLevels,
}

/// <summary>The parts of a random machine that the rest is made for.</summary>
/// <param name="Model">Its CPU.</param>
/// <param name="Mode">What it starts in.</param>
/// <param name="Paging">How it translates.</param>
/// <param name="IsUser">It starts at privilege level 3.</param>
readonly record struct MachineShape(CpuModel Model, MachineMode Mode, PagingMode Paging, bool IsUser)
{
    static readonly CpuModel[] models = [CpuModel.Max, CpuModel.Max, CpuModel.Max, CpuModel.Max, CpuModel.X86_64_V3, CpuModel.X86_64, CpuModel.Pentium, CpuModel.I486, CpuModel.I386, CpuModel.I80286, CpuModel.I8086];

    public bool IsLong => Mode is MachineMode.Long or MachineMode.Compatibility;

    public bool IsReal => Mode is MachineMode.Real or MachineMode.BigReal;

    /// <summary>Size of the code that it starts with.</summary>
    public int Bits => Mode switch { MachineMode.Long => 64, MachineMode.Protected32 or MachineMode.Compatibility => 32, _ => 16 };

    public static MachineShape Next(Random random)
    {
        CpuModel model = models[random.Next(models.Length)];
        MachineMode[] modes = model == CpuModel.I8086 ? [MachineMode.Real]
            : model == CpuModel.I80286 ? [MachineMode.Real, MachineMode.Protected16]
            : model.Has(CpuFeature.Lm) ? Enum.GetValues<MachineMode>()
            : [MachineMode.Real, MachineMode.BigReal, MachineMode.Protected16, MachineMode.Protected32, MachineMode.Virtual8086];
        MachineMode mode = modes[random.Next(modes.Length)];
        PagingMode[] pagings = mode is MachineMode.Long or MachineMode.Compatibility ? (model.Has(CpuFeature.La57) ? [PagingMode.FourLevels, PagingMode.FiveLevels] : [PagingMode.FourLevels])
            : mode is MachineMode.Real or MachineMode.BigReal || model == CpuModel.I80286 ? [PagingMode.None]
            : model.Has(CpuFeature.Pae) ? [PagingMode.None, PagingMode.Legacy, PagingMode.Extended]
            : [PagingMode.None, PagingMode.Legacy];
        bool isUser = mode is MachineMode.Virtual8086 || mode is not (MachineMode.Real or MachineMode.BigReal) && random.Next(3) == 0;
        return new MachineShape(model, mode, pagings[random.Next(pagings.Length)], isUser);
    }
}
