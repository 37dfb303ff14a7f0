namespace FastVcpu.Cli.Conform;

/// <summary>A range of guest memory that a vector may use, with what it should hold after the instruction.</summary>
sealed class MemoryRegion(ulong start, Memory<byte> actual, byte filler)
{
    public ulong Start => start;

    /// <summary>What the guest sees.</summary>
    public Span<byte> Actual => actual.Span;

    /// <summary>What it should see after the instruction.</summary>
    public byte[] Expected { get; } = Filled(actual.Length, filler);

    /// <summary>What memory holds that no vector names.</summary>
    public byte Filler => filler;

    public bool Contains(ulong address, int length) => address - start <= (ulong)(Expected.Length - length) && length <= Expected.Length;

    static byte[] Filled(int length, byte filler)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, filler);
        return bytes;
    }
}

/// <summary>Brings a CPU into the state that a vector describes, runs its one instruction and takes the state after it.</summary>
abstract class VectorMachine : IDisposable
{
    /// <summary>All memory there is.</summary>
    public abstract IReadOnlyList<MemoryRegion> Regions { get; }

    /// <summary>The registers after the instruction, laid out as <see cref="RegisterImage"/> says.</summary>
    public byte[] After { get; } = new byte[RegisterImage.Size];

    public abstract void Dispose();

    /// <summary>Runs the vector and returns the exception that came of it.</summary>
    public VectorException Run(Vector vector)
    {
        foreach (MemoryChunk chunk in vector.Memory)
        {
            MemoryRegion region = Region(chunk.Address, chunk.Length);
            Write(chunk.Address, vector.Bytes(chunk));
            vector.Bytes(chunk).CopyTo(region.Expected.AsSpan((int)(chunk.Address - region.Start)));
        }

        foreach (MemoryChunk chunk in vector.MemoryAfter)
        {
            MemoryRegion region = Region(chunk.Address, chunk.Length);
            vector.Bytes(chunk).CopyTo(region.Expected.AsSpan((int)(chunk.Address - region.Start)));
        }

        vector.Bytes(vector.Instruction).CopyTo(Expected(vector.Instruction));
        Write(vector.Instruction.Address, vector.Bytes(vector.Instruction));
        try
        {
            SetRegisters(vector.Initial);
        }
        catch (ArgumentException error)
        {
            throw new FormatException("the CPU cannot have these registers: " + error.Message.TrimEnd('.'), error);
        }

        VectorException exception = Execute(vector);
        // A register that the CPU does not show counts as unchanged.
        vector.Initial.CopyTo(After.AsSpan());
        GetRegisters(After);
        return exception;
    }

    /// <summary>Makes memory what it is between vectors. With <paramref name="everything"/> also where the vector does not say that it changes.</summary>
    public void Restore(Vector vector, bool everything)
    {
        if (everything)
        {
            foreach (MemoryRegion region in Regions)
            {
                Array.Fill(region.Expected, region.Filler);
                Write(region.Start, region.Expected);
            }

            return;
        }

        foreach (MemoryChunk chunk in vector.Memory)
        {
            Restore(chunk.Address, chunk.Length);
        }

        foreach (MemoryChunk chunk in vector.MemoryAfter)
        {
            Restore(chunk.Address, chunk.Length);
        }

        foreach (MemoryMask mask in vector.MemoryUndefined)
        {
            Restore(mask.Address, mask.Length);
        }

        Restore(vector.Instruction.Address, vector.Instruction.Length);
    }

    /// <summary>Writes guest memory; code that was decoded from there is forgotten.</summary>
    protected abstract void Write(ulong address, ReadOnlySpan<byte> bytes);

    protected abstract void SetRegisters(byte[] image);

    protected abstract void GetRegisters(byte[] image);

    protected abstract VectorException Execute(Vector vector);

    void Restore(ulong address, int length)
    {
        foreach (MemoryRegion region in Regions)
        {
            // Ranges of undefined bytes may reach out of memory.
            ulong first = Math.Max(address, region.Start);
            ulong end = Math.Min(address + (ulong)length, region.Start + (ulong)region.Expected.Length);
            if (first < end)
            {
                Span<byte> expected = region.Expected.AsSpan((int)(first - region.Start), (int)(end - first));
                expected.Fill(region.Filler);
                Write(first, expected);
            }
        }
    }

    Span<byte> Expected(MemoryChunk chunk)
    {
        MemoryRegion region = Region(chunk.Address, chunk.Length);
        return region.Expected.AsSpan((int)(chunk.Address - region.Start), chunk.Length);
    }

    MemoryRegion Region(ulong address, int length)
    {
        foreach (MemoryRegion region in Regions)
        {
            if (region.Contains(address, length))
            {
                return region;
            }
        }

        throw new FormatException($"0x{address:x} and the {length} bytes there lie outside the memory of the format");
    }
}
