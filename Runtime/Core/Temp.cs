// Stands in for generated code until the generator lands; whoever lands it deletes this file.
namespace FastVcpu { 
 public enum CpuFeature { I386, Lm }
 readonly struct FeatureSet {}
 public sealed class CpuModel { public string Name => ""; public bool Has(CpuFeature f) => true; internal FeatureSet Features; internal uint Signature; }
}
namespace FastVcpu.Decode { static unsafe class Decoder { public static void Decode(ReadOnlySpan<byte> code, ulong rip, uint mode, FeatureSet features, Execution.Op* op, out Decoded decoded) => decoded = default; } }
namespace FastVcpu.Execution { static unsafe class HandlerTable { public static delegate*<State.CpuState*, Op*, long, long> Resolve(HandlerKey key) => null; } }
