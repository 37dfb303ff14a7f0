using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Transfers;

/// <summary>What jumps and calls have in common when their selector names a gate or a TSS.</summary>
static unsafe class Gate
{
    /// <summary>A type that a far transfer may name, with enough privilege, and present; else #GP or #NP with the selector.</summary>
    public static bool TryCheckAccess(CpuState* s, ushort selector, in Descriptor descriptor)
    {
        bool isTarget = descriptor.Type switch
        {
            SystemType.CallGate32 => true,
            // Long mode has neither 16-bit gates nor task switches.
            SystemType.CallGate16 or SystemType.TaskGate or SystemType.AvailableTss16 or SystemType.AvailableTss32 => !ProtectionMode.IsLong(s),
            _ => false,
        };
        if (!isTarget || descriptor.Dpl < Math.Max(s->Cpl, selector & 3))
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(selector));
            return false;
        }
        if (!descriptor.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, DescriptorTable.ErrorCode(selector));
            return false;
        }
        return true;
    }

    /// <summary>Reads the descriptor of the code segment behind a gate; in long mode it has to be 64-bit code.</summary>
    public static bool TryReadTarget(CpuState* s, in Descriptor gate, out Descriptor code)
    {
        code = default;
        if (DescriptorTable.IsNull(gate.TargetSelector))
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        if (!DescriptorTable.TryRead(s, gate.TargetSelector, FaultCode.GeneralProtection, out code))
        {
            return false;
        }
        if (ProtectionMode.IsLong(s) && !code.Is64BitCode)
        {
            Raise.GeneralProtection(s, DescriptorTable.ErrorCode(gate.TargetSelector));
            return false;
        }
        return true;
    }

    /// <summary>The entry point; a 16-bit gate has 16 bits of it.</summary>
    public static ulong TargetOffset(in Descriptor gate) => (gate.Type & SystemType.Wide) != 0 ? gate.TargetOffset : (ushort)gate.TargetOffset;

    /// <summary>Bytes of a stack slot.</summary>
    public static int SlotSize(CpuState* s, in Descriptor gate) => (gate.Type & SystemType.Wide) == 0 ? 2 : ProtectionMode.IsLong(s) ? 8 : 4;
}
