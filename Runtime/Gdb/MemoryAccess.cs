namespace FastVcpu.Gdb;

/// <summary>Guest memory as a debugger reaches it: linear through the page tables of a vCPU, or physical where a machine is.</summary>
sealed class MemoryAccess(VirtualMachine? machine)
{
    /// <summary>The client has asked for physical addresses.</summary>
    public bool IsPhysical { get; set; }

    public bool HasPhysical => machine != null;

    public bool TryRead(Vcpu cpu, ulong address, Span<byte> bytes) => IsPhysical ? TryReadPlace(cpu, address, bytes) : cpu.TryReadLinear(address, bytes);

    public bool TryWrite(Vcpu cpu, ulong address, ReadOnlySpan<byte> bytes) =>
        IsPhysical ? TryWritePlace(cpu, address, bytes) : cpu.TryWriteLinear(address, bytes);

    /// <summary>As many bytes as can be read.</summary>
    public int ReadSome(Vcpu cpu, ulong address, Span<byte> bytes)
    {
        if (TryRead(cpu, address, bytes))
        {
            return bytes.Length;
        }
        const ulong PageSize = 0x1000;
        int done = 0;
        while (done < bytes.Length)
        {
            int count = (int)Math.Min((ulong)(bytes.Length - done), PageSize - ((address + (ulong)done) & (PageSize - 1)));
            if (!TryRead(cpu, address + (ulong)done, bytes.Slice(done, count)))
            {
                break;
            }
            done += count;
        }
        return done;
    }

    /// <summary>Where a linear address lies: the physical address, or itself in user mode.</summary>
    public bool TryPlace(Vcpu cpu, ulong address, out ulong place)
    {
        LinearTranslation translation = cpu.Translate(address);
        place = IsPhysical ? address : translation.PhysicalAddress;
        return IsPhysical || translation.IsValid;
    }

    public bool TryReadPlace(Vcpu cpu, ulong place, Span<byte> bytes) =>
        machine != null ? machine.TryReadPhysical(place, bytes) : cpu.TryReadLinear(place, bytes);

    public bool TryWritePlace(Vcpu cpu, ulong place, ReadOnlySpan<byte> bytes) =>
        machine != null ? machine.TryWritePhysical(place, bytes) : cpu.TryWriteLinear(place, bytes);
}
