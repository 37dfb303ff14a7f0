namespace FastVcpu.Machine.Devices.Virtio;

/// <summary>The buffers of one request: first those that the device reads, then those that it writes; read and written like two streams.</summary>
public sealed class VirtioChain
{
    readonly VirtualMachine vm;
    readonly BufferList readable = new(), writable = new();

    internal VirtioChain(VirtualMachine vm, ushort head)
    {
        this.vm = vm;
        Head = head;
    }

    /// <summary>Bytes that are left to read.</summary>
    public ulong ReadableLength => readable.Length;

    /// <summary>Bytes that are left to write.</summary>
    public ulong WritableLength => writable.Length;

    internal ushort Head { get; }

    /// <summary>Reads the next bytes. False when they are not there, or no memory is.</summary>
    public bool TryRead(Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (readable.Take((uint)data.Length) is not (var address, var count and not 0) || !vm.TryReadPhysical(address, data[..(int)count]))
            {
                return false;
            }
            data = data[(int)count..];
        }
        return true;
    }

    /// <summary>Writes the next bytes. False when there is no room, or no memory.</summary>
    public bool TryWrite(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (writable.Take((uint)data.Length) is not (var address, var count and not 0) || !vm.TryWritePhysical(address, data[..(int)count]))
            {
                return false;
            }
            data = data[(int)count..];
        }
        return true;
    }

    /// <summary>Leaves the next bytes unwritten.</summary>
    public void SkipWritable(ulong count)
    {
        while (count > 0 && writable.Take((uint)Math.Min(count, uint.MaxValue)) is (_, var skipped and not 0))
        {
            count -= skipped;
        }
    }

    /// <summary>Adds a buffer. False for one that the device reads behind one that it writes.</summary>
    internal bool TryAdd(ulong address, uint length, bool isWritable)
    {
        if (!isWritable && writable.Length != 0)
        {
            return false;
        }
        (isWritable ? writable : readable).Add(address, length);
        return true;
    }

    sealed class BufferList
    {
        readonly Queue<(ulong Address, uint Length)> buffers = new();
        ulong address;
        uint rest;

        public ulong Length { get; private set; }

        public void Add(ulong at, uint length)
        {
            buffers.Enqueue((at, length));
            Length += length;
        }

        /// <summary>The next piece, of at most so many bytes; none when all are used up.</summary>
        public (ulong Address, uint Count) Take(uint most)
        {
            while (rest == 0 && buffers.TryDequeue(out (ulong Address, uint Length) next))
            {
                (address, rest) = next;
            }
            (ulong at, uint count) = (address, Math.Min(most, rest));
            address += count;
            rest -= count;
            Length -= count;
            return (at, count);
        }
    }
}
