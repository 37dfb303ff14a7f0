// Stands in for generated code until the generator lands; whoever lands it deletes this file.
#pragma warning disable
namespace FastVcpu { 
 public enum CpuFeature { I386, I8086, I80186, I80286, I80386, I80486, Cpuid, Fpu, Vme, De, Pse, Tsc, Msr, Pae, Cx8, Apic, Sep, Mtrr, Pge, Cmov, Pat, Pse36, Clflush, Mmx, Fxsr, Sse, Sse2, Sse3, Pclmul, Monitor, Ssse3, Fma, Cx16, Pcid, Sse41, Sse42, Movbe, Popcnt, Aes, Xsave, Avx, F16c, Rdrand, Fsgsbase, Bmi1, Avx2, Smep, Bmi2, Erms, Invpcid, Rdseed, Adx, Smap, Clflushopt, Clwb, Sha, Umip, Gfni, Vaes, Vpclmul, La57, Rdpid, Fsrm, AvxVnni, Xsaveopt, Xsavec, Xgetbv1, Xsaves, Lahf64, Lzcnt, Sse4a, Prefetchw, Syscall, Nx, Page1Gb, Rdtscp, Lm, Clzero }
 readonly struct FeatureSet {}
 public sealed class CpuModel { public string Name => ""; public string Vendor => ""; public bool Has(CpuFeature f) => true; internal FeatureSet Features; internal uint Signature; public static IReadOnlyList<CpuModel> All => [Max]; public static CpuModel Max { get; } = new(); public static CpuModel I80286 => Max; public static CpuModel X86_64_V2 => Max; }
}
namespace FastVcpu.Decode { static unsafe class Decoder { public static void Decode(ReadOnlySpan<byte> code, ulong rip, uint mode, FeatureSet features, Execution.Op* op, out Decoded decoded) => decoded = default; } 
static class CpuidBits { public static ReadOnlySpan<uint> Entries => [1u,0,0,0,0]; } }
namespace FastVcpu.Execution { static unsafe class HandlerTable { public static delegate*<State.CpuState*, Op*, long, long> Resolve(HandlerKey key) => null; } }
