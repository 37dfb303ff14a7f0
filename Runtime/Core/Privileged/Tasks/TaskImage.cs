using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Tasks;

/// <summary>The registers of a task in its task-state segment, of 16 or 32 bits (SDM Vol. 3 7.2.1, 7.6).</summary>
unsafe struct TaskImage
{
    const uint Cr3At = 0x1C, TrapAt = 0x64;

    /// <summary>Offsets of the instruction pointer; behind it are the flags, the eight general registers and the segment registers.</summary>
    const uint First16 = 0x0E, First32 = 0x20;

    const int Registers = 8;

    /// <summary>Segment registers in the order of their encodings; a 16-bit task has no FS and GS.</summary>
    const int Segments16 = 4, Segments32 = 6;

    /// <summary>Last byte that a task switch needs.</summary>
    public const uint Limit16 = 0x2B, Limit32 = 0x67;

    public uint Cr3;
    public uint Eip;
    public uint Eflags;
    public ushort Ldt;
    /// <summary>A debug trap is wanted when the task is entered.</summary>
    public bool Traps;
    public fixed uint General[Registers];
    public fixed ushort Segments[Segments32];

    /// <summary>Reads the task that begins at a linear address. False: a page fault is recorded.</summary>
    public static bool TryRead(CpuState* s, ulong address, bool is32, out TaskImage image)
    {
        image = default;
        uint at = is32 ? First32 : First16, slot = Slot(is32);
        if (!TryReadSlot(s, address, at, is32, out image.Eip) || !TryReadSlot(s, address, at + slot, is32, out image.Eflags))
        {
            return false;
        }
        at += 2 * slot;
        for (int i = 0; i < Registers; i++, at += slot)
        {
            if (!TryReadSlot(s, address, at, is32, out image.General[i]))
            {
                return false;
            }
        }
        for (int i = 0; i < (is32 ? Segments32 : Segments16); i++, at += slot)
        {
            if (!TryReadAt(s, address, at, out image.Segments[i]))
            {
                return false;
            }
        }
        if (!TryReadAt(s, address, at, out image.Ldt) || !is32)
        {
            return s->Fault == 0;
        }
        bool done = TryReadAt(s, address, TrapAt, out ushort trap) && TryReadAt(s, address, Cr3At, out image.Cr3);
        image.Traps = (trap & 1) != 0;
        return done;
    }

    /// <summary>True when the registers can be saved at an address; otherwise a page fault is recorded.</summary>
    public static bool CanSave(CpuState* s, ulong address, bool is32)
    {
        uint first = is32 ? First32 : First16;
        uint size = Slot(is32) * (2 + Registers + (uint)(is32 ? Segments32 : Segments16));
        return ImplicitAccess.CanWrite(s, ImplicitAccess.Wrap(s, address + first), size);
    }

    /// <summary>Writes the CPU's registers; <see cref="CanSave"/> has said that it works.</summary>
    public static void Save(CpuState* s, ulong address, bool is32, ulong rip, ulong flags)
    {
        uint at = is32 ? First32 : First16, slot = Slot(is32);
        WriteSlot(s, address, at, is32, (uint)rip);
        WriteSlot(s, address, at + slot, is32, (uint)flags);
        at += 2 * slot;
        for (int i = 0; i < Registers; i++, at += slot)
        {
            WriteSlot(s, address, at, is32, (uint)(&s->Rax)[i]);
        }
        for (int i = 0; i < (is32 ? Segments32 : Segments16); i++, at += slot)
        {
            ImplicitAccess.TryWrite(s, ImplicitAccess.Wrap(s, address + at), Segmentation.Register(s, i)->Selector);
        }
    }

    static uint Slot(bool is32) => is32 ? 4u : 2u;

    static bool TryReadSlot(CpuState* s, ulong address, uint offset, bool is32, out uint value)
    {
        if (is32)
        {
            return TryReadAt(s, address, offset, out value);
        }
        bool done = TryReadAt(s, address, offset, out ushort word);
        value = word;
        return done;
    }

    static bool TryReadAt<T>(CpuState* s, ulong address, uint offset, out T value) where T : unmanaged =>
        ImplicitAccess.TryRead(s, ImplicitAccess.Wrap(s, address + offset), out value);

    static void WriteSlot(CpuState* s, ulong address, uint offset, bool is32, uint value)
    {
        if (is32)
        {
            ImplicitAccess.TryWrite(s, ImplicitAccess.Wrap(s, address + offset), value);
        }
        else
        {
            ImplicitAccess.TryWrite(s, ImplicitAccess.Wrap(s, address + offset), (ushort)value);
        }
    }
}
