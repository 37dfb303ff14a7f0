namespace FastVcpu.Gdb.Breakpoints;

/// <summary>
/// INT3 in guest memory. Each remembers the physical address that it was set at, so that it is taken back from there whatever the page tables
/// say by then; readers are shown the byte that was there.
/// </summary>
sealed class SoftwareBreakpoints(MemoryAccess memory)
{
    const byte Int3 = 0xCC;
    const int Limit = 4096;

    sealed class Breakpoint(ulong linear, ulong place, byte original)
    {
        public ulong Linear => linear;
        public ulong Place => place;
        public byte Original { get; set; } = original;
    }

    readonly Dictionary<ulong, Breakpoint> all = [];

    public bool IsEmpty => all.Count == 0;

    public bool Contains(ulong linear) => all.ContainsKey(linear);

    /// <summary>False when there is no memory at the address.</summary>
    public bool TryAdd(Vcpu cpu, ulong linear)
    {
        if (all.ContainsKey(linear))
        {
            return true;
        }
        byte[] original = new byte[1];
        if (all.Count == Limit || !memory.TryPlace(cpu, linear, out ulong place) || !memory.TryReadPlace(cpu, place, original) || !memory.TryWritePlace(cpu, place, [Int3]))
        {
            return false;
        }
        all.Add(linear, new Breakpoint(linear, place, original[0]));
        return true;
    }

    public void Remove(Vcpu cpu, ulong linear)
    {
        if (all.Remove(linear, out Breakpoint? breakpoint))
        {
            Restore(cpu, breakpoint);
        }
    }

    public void Clear(Vcpu cpu)
    {
        foreach (Breakpoint breakpoint in all.Values)
        {
            Restore(cpu, breakpoint);
        }
        all.Clear();
    }

    /// <summary>The memory that they were in is no more.</summary>
    public void Forget() => all.Clear();

    /// <summary>Takes one back for a step over it, and puts it in again.</summary>
    public void Lift(Vcpu cpu, ulong linear, bool isLifted)
    {
        if (all.TryGetValue(linear, out Breakpoint? breakpoint))
        {
            if (isLifted)
            {
                Restore(cpu, breakpoint);
            }
            else
            {
                memory.TryWritePlace(cpu, breakpoint.Place, [Int3]);
            }
        }
    }

    /// <summary>Takes all back from a copy of the memory: that of a process which the guest has forked.</summary>
    public void EraseCopies(Vcpu cpu)
    {
        byte[] value = new byte[1];
        foreach (Breakpoint breakpoint in all.Values)
        {
            if (cpu.TryReadLinear(breakpoint.Linear, value) && value[0] == Int3)
            {
                cpu.TryWriteLinear(breakpoint.Linear, [breakpoint.Original]);
            }
        }
    }

    /// <summary>Puts the original bytes into what has been read.</summary>
    public void Hide(ulong address, Span<byte> bytes, bool isPhysical)
    {
        foreach (Breakpoint breakpoint in all.Values)
        {
            ulong distance = (isPhysical ? breakpoint.Place : breakpoint.Linear) - address;
            if (distance < (ulong)bytes.Length)
            {
                bytes[(int)distance] = breakpoint.Original;
            }
        }
    }

    /// <summary>Keeps breakpoints in bytes that are about to be written, and remembers what was to be there.</summary>
    public void Keep(ulong address, Span<byte> bytes, bool isPhysical)
    {
        foreach (Breakpoint breakpoint in all.Values)
        {
            ulong distance = (isPhysical ? breakpoint.Place : breakpoint.Linear) - address;
            if (distance < (ulong)bytes.Length)
            {
                breakpoint.Original = bytes[(int)distance];
                bytes[(int)distance] = Int3;
            }
        }
    }

    void Restore(Vcpu cpu, Breakpoint breakpoint)
    {
        byte[] value = new byte[1];
        // Only if the guest has not written something else there.
        if (memory.TryReadPlace(cpu, breakpoint.Place, value) && value[0] == Int3)
        {
            memory.TryWritePlace(cpu, breakpoint.Place, [breakpoint.Original]);
        }
    }
}
