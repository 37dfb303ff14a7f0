namespace FastVcpu.Interrupts;

/// <summary>What CPUID tells about a local APIC in the core, its timer and the clock. A model that is old enough has neither x2APIC nor the leaves about it.</summary>
static class ApicCpuid
{
    const uint Features = 1, Power = 6, ExtendedFeatures = 7, Topology = 0xB, TimeStampRatio = 0x15, Frequency = 0x16, ExtendedPower = 0x80000007;
    const uint Apic = 1 << 9, Extended = 1 << 21, TscDeadline = 1 << 24, AlwaysRunningTimer = 1 << 2, InvariantTimeStamp = 1 << 8, TimeStampAdjust = 1 << 1;
    const int IdShift = 24;

    /// <summary>The processors of the x2APIC's time have one.</summary>
    public static bool HasExtended(CpuModel model) => model.Has(CpuFeature.Apic) && model.Has(CpuFeature.Sse42);

    /// <summary>Adds to a leaf what belongs to the local APIC.</summary>
    public static CpuidEntry Complete(CpuidEntry leaf, CpuModel model, LocalApic apic)
    {
        uint id = (uint)apic.Id;
        bool hasExtended = HasExtended(model);
        switch (leaf.Leaf)
        {
            case 0 when hasExtended:
                return leaf with { Eax = Math.Max(leaf.Eax, Frequency) };
            case Features:
                return leaf with
                {
                    Ebx = leaf.Ebx | id << IdShift,
                    Ecx = leaf.Ecx | (hasExtended ? Extended | TscDeadline : 0),
                    Edx = apic.IsPresent ? leaf.Edx : leaf.Edx & ~Apic,
                };
            case Power when hasExtended:
                return leaf with { Eax = leaf.Eax | AlwaysRunningTimer };
            case ExtendedFeatures when hasExtended && (leaf.Subleaf ?? 0) == 0:
                return leaf with { Ebx = leaf.Ebx | TimeStampAdjust };
            case Topology when hasExtended:
                // One thread in a core, one core in a package.
                const uint Thread = 1 << 8, Core = 2 << 8;
                uint subleaf = leaf.Subleaf ?? 0, level = subleaf switch { 0 => Thread, 1 => Core, _ => 0 };
                return leaf with { Eax = 0, Ebx = level != 0 ? 1u : 0, Ecx = level | subleaf & 0xFF, Edx = id };
            case TimeStampRatio when hasExtended:
                // Time-stamp counter and local APIC timer run at the rate of a crystal of 1 GHz.
                return leaf with { Eax = 1, Ebx = 1, Ecx = (uint)Clock.NanosecondsPerSecond };
            case Frequency when hasExtended:
                const uint Megahertz = (uint)(Clock.NanosecondsPerSecond / 1_000_000);
                return leaf with { Eax = Megahertz, Ebx = Megahertz, Ecx = 100 };
            case ExtendedPower when hasExtended:
                return leaf with { Edx = leaf.Edx | InvariantTimeStamp };
            default:
                return leaf;
        }
    }
}
