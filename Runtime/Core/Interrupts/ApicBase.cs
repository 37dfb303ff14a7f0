namespace FastVcpu.Interrupts;

/// <summary>Bits of IA32_APIC_BASE (SDM Vol. 3 11.4.4), and how the modes follow each other (11.12.5).</summary>
static class ApicBase
{
    public const ulong Default = 0xFEE00000, Bootstrap = 1 << 8, Extended = 1 << 10, Enable = 1 << 11, PageMask = ~0xFFFUL;

    public static bool IsEnabled(ulong value) => (value & Enable) != 0;

    public static bool IsExtended(ulong value) => (value & (Enable | Extended)) == (Enable | Extended);

    /// <summary>Bits that may be set.</summary>
    public static ulong Allowed(ulong physicalReserved, bool hasExtended) =>
        ~physicalReserved & PageMask | Bootstrap | Enable | (hasExtended ? Extended : 0);

    /// <summary>A mode that there is: x2APIC mode is an enabled one.</summary>
    public static bool IsMode(ulong value) => (value & (Enable | Extended)) != Extended;

    /// <summary>From x2APIC mode the way leads to disabled only, and into it from xAPIC mode only.</summary>
    public static bool MayFollow(ulong before, ulong after) =>
        IsExtended(before) ? IsExtended(after) || !IsEnabled(after) : IsEnabled(before) || !IsExtended(after);
}
