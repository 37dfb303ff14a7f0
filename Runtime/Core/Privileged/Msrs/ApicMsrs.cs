using System.Diagnostics.CodeAnalysis;
using FastVcpu.Interrupts;
using FastVcpu.State;

namespace FastVcpu.Privileged.Msrs;

/// <summary>The registers of the local APIC, if it is in the core: x2APIC and the deadline of its timer; and the APIC base, which is always there.</summary>
static unsafe class ApicMsrs
{
    /// <summary>The register belongs to the local APIC.</summary>
    public static bool TryFind(CpuState* s, uint index, [NotNullWhen(true)] out LocalApic? apic)
    {
        bool isOne = index is MsrIndex.TscDeadline or (>= MsrIndex.FirstExtendedApic and <= MsrIndex.LastExtendedApic);
        apic = isOne ? Vcpu.Of(s).Apic : null;
        return apic != null && ApicCpuid.HasExtended(Vcpu.Of(s).Model);
    }

    public static bool TryRead(LocalApic apic, uint index, out ulong value)
    {
        if (index != MsrIndex.TscDeadline)
        {
            return apic.TryReadMsr(index, out value);
        }
        value = apic.Timer.Deadline;
        return true;
    }

    public static bool TryWrite(LocalApic apic, uint index, ulong value)
    {
        if (index != MsrIndex.TscDeadline)
        {
            return apic.TryWriteMsr(index, value);
        }
        if (apic.IsPresent)
        {
            apic.Timer.Deadline = value;
        }
        return true;
    }

    /// <summary>Writes IA32_APIC_BASE.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The value.</param>
    /// <param name="follows">The mode has to be one that can follow the present one; the embedder may set any.</param>
    public static bool TryWriteBase(CpuState* s, ulong value, bool follows)
    {
        Vcpu cpu = Vcpu.Of(s);
        bool isValid = cpu.IsApicBase(value) && (!follows || ApicBase.MayFollow(s->ApicBase, value));
        if (isValid)
        {
            cpu.SetApicBase(value);
        }
        return isValid;
    }
}
