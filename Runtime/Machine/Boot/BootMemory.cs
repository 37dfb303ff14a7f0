using System.Buffers.Binary;

namespace FastVcpu.Machine.Boot;

/// <summary>What the loaders have in common: fields of a file that may be too short, memory of a machine that may be too small.</summary>
static class BootMemory
{
    /// <summary>Bytes of a page.</summary>
    public const uint PageSize = 0x1000;

    public static ushort Word(ReadOnlySpan<byte> file, long offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(file, offset, sizeof(ushort)));

    public static uint Field(ReadOnlySpan<byte> file, long offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(file, offset, sizeof(uint)));

    public static ulong LongField(ReadOnlySpan<byte> file, long offset) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(file, offset, sizeof(ulong)));

    public static void Write(VirtualMachine vm, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!vm.TryWritePhysical(address, bytes))
        {
            throw new BootException($"There is no memory for {bytes.Length} bytes of the kernel at {address:x}h; the machine is too small for it.");
        }
    }

    public static void Clear(VirtualMachine vm, ulong address, ulong length)
    {
        byte[] zeros = new byte[0x10000];
        while (length > 0)
        {
            int count = (int)Math.Min(length, (ulong)zeros.Length);
            Write(vm, address, zeros.AsSpan(0, count));
            address += (ulong)count;
            length -= (ulong)count;
        }
    }

    public static ulong RoundUp(ulong address) => (address + PageSize - 1) & ~(ulong)(PageSize - 1);

    static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> file, long offset, int length) =>
        offset >= 0 && offset + length <= file.Length ? file.Slice((int)offset, length) : throw new BootException("The kernel ends within its headers.");
}
