namespace FastVcpu.Gdb.Breakpoints;

/// <summary>The four slots of the debug registers.</summary>
sealed class HardwareBreakpoints
{
    readonly record struct Slot(ulong Address, int Length, BreakpointType Type, char Kind);

    readonly Slot?[] slots = new Slot?[4];

    public bool IsEmpty => slots.All(slot => slot == null);

    /// <summary>The debug registers that stand for them.</summary>
    public DebugRegisters Registers
    {
        get
        {
            DebugRegisters registers = DebugRegisters.Reset;
            for (int i = 0; i < slots.Length; i++)
            {
                if (slots[i] is { } slot)
                {
                    registers = registers.With(i, slot.Address, slot.Type, slot.Length);
                }
            }
            return registers;
        }
    }

    /// <summary>Adds one. False: no slot is free, or the hardware cannot watch this range.</summary>
    /// <param name="kind">'1' execution, '2' write, '3' read, '4' both.</param>
    /// <param name="address">Linear address.</param>
    /// <param name="length">Bytes.</param>
    public bool TryAdd(char kind, ulong address, int length)
    {
        // Reads alone cannot be watched: gdb itself drops hits of a read watchpoint that have changed the value.
        BreakpointType type = kind switch { '1' => BreakpointType.Execute, '2' => BreakpointType.Write, _ => BreakpointType.ReadWrite };
        length = kind == '1' ? 1 : length;
        if (length is not (1 or 2 or 4 or 8) || (address & (ulong)(length - 1)) != 0)
        {
            return false;
        }
        Slot added = new(address, length, type, kind);
        if (slots.Contains(added))
        {
            return true;
        }
        int free = Array.IndexOf(slots, null);
        if (free >= 0)
        {
            slots[free] = added;
        }
        return free >= 0;
    }

    public void Remove(char kind, ulong address, int length)
    {
        int index = Array.FindIndex(slots, slot => slot is { } s && s.Kind == kind && s.Address == address && (kind == '1' || s.Length == length));
        if (index >= 0)
        {
            slots[index] = null;
        }
    }

    /// <summary>An execution breakpoint is at the address.</summary>
    public bool BreaksAt(ulong address) => slots.Any(slot => slot is { Type: BreakpointType.Execute } s && s.Address == address);

    public void Clear() => Array.Clear(slots);

    /// <summary>What a stop reply says of the slots that have been hit.</summary>
    public string Reason(ulong dr6)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            if ((dr6 >> i & 1) != 0 && slots[i] is { } slot)
            {
                string name = slot.Kind switch { '1' => "hwbreak", '2' => "watch", '3' => "rwatch", _ => "awatch" };
                return slot.Kind == '1' ? name + ":;" : $"{name}:{slot.Address:x};";
            }
        }
        return "";
    }
}
