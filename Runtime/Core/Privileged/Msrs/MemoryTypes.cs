using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>MTRRs and PAT: kept and checked; there is no cache whose behaviour they could change (SDM Vol. 3 12.11, 12.12).</summary>
static unsafe class MemoryTypes
{
    /// <summary>Eight variable ranges, fixed ranges, write combining.</summary>
    const ulong Capability = CpuState.VariableMtrrs | 1 << 8 | 1 << 10;

    const ulong DefaultTypeBits = 0xCFF, ValidMask = 1 << 11;

    public static IEnumerable<Msr> Build()
    {
        List<Msr> all =
        [
            Msr.Constant(MsrIndex.MtrrCapability, CpuFeature.Mtrr, Capability),
            Msr.Checked(MsrIndex.MtrrDefaultType, CpuFeature.Mtrr, s => ref s->MtrrDefaultType, IsDefault),
            Msr.Checked(MsrIndex.Pat, CpuFeature.Pat, s => ref s->Pat, IsPat),
        ];
        for (int i = 0; i < CpuState.FixedMtrrs; i++)
        {
            int number = i;
            uint index = i switch { 0 => MsrIndex.Mtrr64K, < 3 => MsrIndex.FirstMtrr16K + (uint)i - 1, _ => MsrIndex.FirstMtrr4K + (uint)i - 3 };
            all.Add(Msr.Checked(index, CpuFeature.Mtrr, s => ref (&s->FirstFixedMtrr)[number], IsFixed));
        }
        for (int i = 0; i < 2 * CpuState.VariableMtrrs; i++)
        {
            int number = i;
            // Even numbers are bases, odd ones masks.
            all.Add(Msr.Checked(MsrIndex.FirstVariableMtrr + (uint)i, CpuFeature.Mtrr, s => ref (&s->FirstVariableMtrr)[number], (number & 1) == 0 ? IsBase : IsMask));
        }
        return all;
    }

    static bool IsDefault(CpuState* s, ulong value) => (value & ~DefaultTypeBits) == 0 && IsMtrrType(value);

    static bool IsBase(CpuState* s, ulong value) => (value & s->PhysicalReserved) == 0 && (value & 0xFFF) <= 0xFF && IsMtrrType(value);

    static bool IsMask(CpuState* s, ulong value) => (value & (s->PhysicalReserved | 0xFFF & ~ValidMask)) == 0;

    static bool IsPat(CpuState* s, ulong value)
    {
        for (int i = 0; i < 64; i += 8)
        {
            if ((value >> i & 0xFF) is not (0 or 1 or 4 or 5 or 6 or 7))
            {
                return false;
            }
        }
        return true;
    }

    static bool IsFixed(CpuState* s, ulong value)
    {
        for (int i = 0; i < 64; i += 8)
        {
            if (!IsMtrrType(value >> i))
            {
                return false;
            }
        }
        return true;
    }

    static bool IsMtrrType(ulong value) => (value & 0xFF) is 0 or 1 or 4 or 5 or 6;
}
