namespace FastVcpu.Linux.Process;

/// <summary>What the auxiliary vector and /proc/cpuinfo say about the CPU model: what CPUID reports.</summary>
static class CpuIdentification
{
    /// <summary>HWCAP2_FSGSBASE: the kernel lets programs use RDFSBASE and its like.</summary>
    const ulong FsGsBase = 2;

    /// <summary>Features in the order of the bits of CPUID leaf 1 EDX, with the names of /proc/cpuinfo.</summary>
    static readonly (CpuFeature Feature, int Bit, string Name)[] s_basic =
    [
        (CpuFeature.Fpu, 0, "fpu"), (CpuFeature.Vme, 1, "vme"), (CpuFeature.De, 2, "de"), (CpuFeature.Pse, 3, "pse"), (CpuFeature.Tsc, 4, "tsc"),
        (CpuFeature.Msr, 5, "msr"), (CpuFeature.Pae, 6, "pae"), (CpuFeature.Cx8, 8, "cx8"), (CpuFeature.Apic, 9, "apic"), (CpuFeature.Sep, 11, "sep"),
        (CpuFeature.Mtrr, 12, "mtrr"), (CpuFeature.Pge, 13, "pge"), (CpuFeature.Cmov, 15, "cmov"), (CpuFeature.Pat, 16, "pat"),
        (CpuFeature.Pse36, 17, "pse36"), (CpuFeature.Clflush, 19, "clflush"), (CpuFeature.Mmx, 23, "mmx"), (CpuFeature.Fxsr, 24, "fxsr"),
        (CpuFeature.Sse, 25, "sse"), (CpuFeature.Sse2, 26, "sse2"),
    ];

    static readonly (CpuFeature Feature, string Name)[] s_more =
    [
        (CpuFeature.Syscall, "syscall"), (CpuFeature.Nx, "nx"), (CpuFeature.Rdtscp, "rdtscp"), (CpuFeature.Lm, "lm"), (CpuFeature.Sse3, "pni"),
        (CpuFeature.Pclmul, "pclmulqdq"), (CpuFeature.Ssse3, "ssse3"), (CpuFeature.Fma, "fma"), (CpuFeature.Cx16, "cx16"),
        (CpuFeature.Sse41, "sse4_1"), (CpuFeature.Sse42, "sse4_2"), (CpuFeature.Movbe, "movbe"), (CpuFeature.Popcnt, "popcnt"),
        (CpuFeature.Aes, "aes"), (CpuFeature.Xsave, "xsave"), (CpuFeature.Avx, "avx"), (CpuFeature.F16c, "f16c"), (CpuFeature.Rdrand, "rdrand"),
        (CpuFeature.Lahf64, "lahf_lm"), (CpuFeature.Lzcnt, "abm"), (CpuFeature.Fsgsbase, "fsgsbase"), (CpuFeature.Bmi1, "bmi1"),
        (CpuFeature.Avx2, "avx2"), (CpuFeature.Bmi2, "bmi2"), (CpuFeature.Erms, "erms"), (CpuFeature.Rdseed, "rdseed"), (CpuFeature.Adx, "adx"),
        (CpuFeature.Sha, "sha_ni"), (CpuFeature.Xsaveopt, "xsaveopt"), (CpuFeature.Xsavec, "xsavec"), (CpuFeature.Xgetbv1, "xgetbv1"),
        (CpuFeature.AvxVnni, "avx_vnni"), (CpuFeature.Gfni, "gfni"), (CpuFeature.Vaes, "vaes"), (CpuFeature.Vpclmul, "vpclmulqdq"),
    ];

    /// <summary>AT_HWCAP: CPUID leaf 1 EDX.</summary>
    public static ulong HardwareCapabilities(CpuModel model) =>
        s_basic.Where(entry => model.Has(entry.Feature)).Aggregate(0UL, (bits, entry) => bits | 1UL << entry.Bit);

    /// <summary>AT_HWCAP2.</summary>
    public static ulong HardwareCapabilities2(CpuModel model) => model.Has(CpuFeature.Fsgsbase) ? FsGsBase : 0;

    /// <summary>The flags line of /proc/cpuinfo.</summary>
    public static string Flags(CpuModel model) => string.Join(
        ' ', s_basic.Where(entry => model.Has(entry.Feature)).Select(entry => entry.Name).Concat(s_more.Where(entry => model.Has(entry.Feature)).Select(entry => entry.Name)));
}
