using System.Buffers.Binary;

namespace FastVcpu.Linux.Abi;

/// <summary>Reads a C structure field by field; the counterpart of <see cref="StructWriter"/>.</summary>
ref struct StructReader(ReadOnlySpan<byte> buffer, LinuxAbi abi)
{
    readonly ReadOnlySpan<byte> _buffer = buffer;
    int _position;

    public ushort Short() => BinaryPrimitives.ReadUInt16LittleEndian(Next(2, 2));

    public uint Int() => BinaryPrimitives.ReadUInt32LittleEndian(Next(4, 4));

    public ulong Wide() => BinaryPrimitives.ReadUInt64LittleEndian(Next(8, abi.WordSize));

    /// <summary>A pointer or an unsigned long.</summary>
    public ulong Word() => abi.Is64 ? Wide() : Int();

    /// <summary>A signed long.</summary>
    public long Long() => abi.Long(Word());

    public ReadOnlySpan<byte> Bytes(int count) => Next(count, 1);

    public void SkipTo(int position) => _position = position;

    ReadOnlySpan<byte> Next(int size, int alignment)
    {
        int start = (_position + alignment - 1) & -alignment;
        _position = start + size;
        return _buffer.Slice(start, size);
    }
}
