namespace FastVcpu.Cli.Conform;

/// <summary>What kind of machine a vector file was recorded on.</summary>
enum VectorMode
{
    /// <summary>64-bit mode, user mode.</summary>
    X64,
    /// <summary>32-bit code, user mode.</summary>
    X86,
    /// <summary>Real mode of an 80286.</summary>
    X16,
}
