namespace FastVcpu.Cli.Input;

/// <summary>What a CPU model can run.</summary>
static class CodeWidth
{
    /// <summary>Refuses a model that has no mode for code of this width.</summary>
    public static void Require(CpuModel model, int bits)
    {
        bool canRun = bits switch
        {
            64 => model.Has(CpuFeature.Lm),
            32 => model.Has(CpuFeature.I386),
            _ => true,
        };
        if (!canRun)
        {
            throw new InputException($"The CPU model {model.Name} does not run {bits}-bit code.");
        }
    }
}
