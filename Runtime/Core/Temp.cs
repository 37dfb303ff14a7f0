// Stands in for generated code until the generator lands; whoever lands it deletes this file.
#pragma warning disable
namespace FastVcpu { 
 public enum CpuFeature { I386, Lm, Xsave, Avx, I8086, I80186, I80286, I80386, I80486, Sse2 }
 readonly struct FeatureSet {}
 public sealed class CpuModel { public string Name => ""; public string Vendor => ""; public bool Has(CpuFeature f) => true; internal FeatureSet Features; internal uint Signature; public static IReadOnlyList<CpuModel> All => [Max]; public static CpuModel Max { get; } = new(); public static CpuModel I80286 => Max; public static CpuModel X86_64_V2 => Max; }
}
namespace FastVcpu.Decode { static unsafe class Decoder { public static void Decode(ReadOnlySpan<byte> code, ulong rip, uint mode, FeatureSet features, Execution.Op* op, out Decoded decoded) => decoded = default; } 
static class CpuidBits { public static ReadOnlySpan<uint> Entries => [1u,0,0,0,0]; } }
namespace FastVcpu.Execution { static unsafe class HandlerTable { public static delegate*<State.CpuState*, Op*, long, long> Resolve(HandlerKey key) => null; } }
