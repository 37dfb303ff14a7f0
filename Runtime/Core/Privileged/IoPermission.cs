using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.Privileged.Tasks;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>Who may use ports: IOPL, then the I/O permission bitmap of a 32-bit TSS (SDM Vol. 1 19.5.2).</summary>
static unsafe class IoPermission
{
    const uint MapBaseAt = 0x66;

    /// <summary>CPL ≤ IOPL; real mode always.</summary>
    public static bool HasIoPrivilege(CpuState* s) => s->Cpl <= ProtectionMode.IoPrivilege(s);

    /// <summary>True when the access is allowed; otherwise a fault is recorded.</summary>
    public static bool TryCheck(CpuState* s, ushort port, int size)
    {
        bool isVirtual8086 = ProtectionMode.IsVirtual8086(s);
        if (ProtectionMode.IsReal(s) || (HasIoPrivilege(s) && !isVirtual8086))
        {
            return true;
        }
        if (IsAllowedByMap(s, port, size))
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    /// <summary>All bits of the ports are clear. Two bytes are read whatever the size, so that the map has to go on for one byte more.</summary>
    static bool IsAllowedByMap(CpuState* s, ushort port, int size)
    {
        int attributes = s->Tr.Attributes;
        bool hasMap = (attributes & Segmentation.Present) != 0 && (attributes & SystemType.Wide) != 0 && MapBaseAt + 1 <= s->Tr.Limit;
        if (!hasMap || !TaskState.TryRead(s, MapBaseAt, out ushort map))
        {
            return false;
        }
        uint at = map + (uint)port / 8;
        if (at + 1 > s->Tr.Limit || !TaskState.TryRead(s, at, out ushort bits))
        {
            return false;
        }
        return (bits >> (port & 7) & (1 << size) - 1) == 0;
    }
}
