using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Delivery;

/// <summary>The interrupt descriptor table of protected and long mode.</summary>
static unsafe class InterruptTable
{
    const uint EntrySize = 8;

    /// <summary>Reads the gate of an event and checks that the event may use it. False: a fault is recorded.</summary>
    public static bool TryReadGate(CpuState* s, in EventFrame frame, out Descriptor gate)
    {
        gate = default;
        bool isLong = ProtectionMode.IsLong(s);
        uint size = isLong ? 2 * EntrySize : EntrySize, offset = (uint)frame.Vector * size;
        ulong address = ImplicitAccess.Wrap(s, s->IdtBase + offset);
        ulong high = 0;
        if (offset + size - 1 > s->IdtLimit)
        {
            Raise.GeneralProtection(s, frame.VectorError);
            return false;
        }
        if (!ImplicitAccess.TryRead(s, address, out ulong low) || (isLong && !ImplicitAccess.TryRead(s, address + EntrySize, out high)))
        {
            return false;
        }
        gate = new Descriptor(low, (uint)high);
        bool isGate = gate.IsSystem && gate.Type switch
        {
            SystemType.InterruptGate32 or SystemType.TrapGate32 => true,
            SystemType.InterruptGate16 or SystemType.TrapGate16 or SystemType.TaskGate => !isLong,
            _ => false,
        };
        if (!isGate || (frame.NeedsPrivilege && gate.Dpl < s->Cpl))
        {
            Raise.GeneralProtection(s, frame.VectorError);
            return false;
        }
        if (!gate.IsPresent)
        {
            Raise.Exception(s, FaultCode.SegmentNotPresent, frame.VectorError);
            return false;
        }
        return true;
    }

    /// <summary>Reads the handler's code segment: of this level or a more privileged one. False: a fault is recorded.</summary>
    public static bool TryReadHandler(CpuState* s, in Descriptor gate, out Descriptor code)
    {
        ushort selector = gate.TargetSelector;
        if (DescriptorTable.IsNull(selector))
        {
            code = default;
            Raise.GeneralProtection(s, 0);
            return false;
        }
        return DescriptorTable.TryRead(s, selector, FaultCode.GeneralProtection, out code)
            && CodeSegment.TryCheckCode(s, selector, code, code.Dpl <= s->Cpl && (!ProtectionMode.IsLong(s) || code.Is64BitCode));
    }

    /// <summary>Flags that a handler begins without; an interrupt gate clears IF as well.</summary>
    public static ulong ClearedFlags(in Descriptor gate)
    {
        const ulong Always = SystemFlagBits.Trap | SystemFlagBits.NestedTask | SystemFlagBits.Resume | SystemFlagBits.Virtual8086;
        const int Trap = 1;
        return (gate.Type & Trap) != 0 ? Always : Always | SystemFlagBits.Interrupt;
    }
}
