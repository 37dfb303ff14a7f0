using FastVcpu.Faults;
using FastVcpu.Privileged.Descriptors;
using FastVcpu.State;

namespace FastVcpu.Privileged.Tasks;

/// <summary>What the processor reads from the current task-state segment (SDM Vol. 3 7.2, 7.7).</summary>
static unsafe class TaskState
{
    const uint FirstStack32 = 4, FirstStack16 = 2, LongStacks = 4, InterruptStacks = 0x24;

    /// <summary>SS and (E)SP of a privilege level. False: a fault is recorded, #TS with the TSS's selector when the segment is too short.</summary>
    public static bool TryReadStack(CpuState* s, int cpl, out ushort selector, out ulong pointer)
    {
        selector = 0;
        pointer = 0;
        if ((s->Tr.Attributes & SystemType.Wide) != 0)
        {
            uint at = FirstStack32 + 8 * (uint)cpl;
            if (!TryCheckLimit(s, at + 5) || !TryRead(s, at, out uint esp) || !TryRead(s, at + 4, out selector))
            {
                return false;
            }
            pointer = esp;
            return true;
        }
        uint offset = FirstStack16 + 4 * (uint)cpl;
        if (!TryCheckLimit(s, offset + 3) || !TryRead(s, offset, out ushort sp) || !TryRead(s, offset + 2, out selector))
        {
            return false;
        }
        pointer = sp;
        return true;
    }

    /// <summary>Long mode: RSP0–RSP2.</summary>
    public static bool TryReadLongStack(CpuState* s, int cpl, out ulong rsp) => TryReadPointer(s, LongStacks + 8 * (uint)cpl, out rsp);

    /// <summary>Long mode: an entry of the interrupt stack table, 1–7.</summary>
    public static bool TryReadInterruptStack(CpuState* s, int number, out ulong rsp) => TryReadPointer(s, InterruptStacks + 8 * (uint)(number - 1), out rsp);

    /// <summary>Reads a value at an offset of the TSS; the limit has been checked.</summary>
    public static bool TryRead<T>(CpuState* s, uint offset, out T value) where T : unmanaged =>
        ImplicitAccess.TryRead(s, ImplicitAccess.Wrap(s, s->Tr.Base + offset), out value);

    static bool TryReadPointer(CpuState* s, uint offset, out ulong rsp)
    {
        rsp = 0;
        return TryCheckLimit(s, offset + 7) && TryRead(s, offset, out rsp);
    }

    static bool TryCheckLimit(CpuState* s, uint last)
    {
        if (last <= s->Tr.Limit)
        {
            return true;
        }
        Raise.Exception(s, FaultCode.InvalidTss, DescriptorTable.ErrorCode(s->Tr.Selector));
        return false;
    }
}
