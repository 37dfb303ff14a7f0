using System.Buffers.Binary;

namespace FastVcpu.Linux.Abi;

/// <summary>
/// Writes a C structure field by field with the alignment rules of an ABI. Most structures of the kernel are rows of longs, so that one
/// sequence of calls describes the 32-bit and the 64-bit layout.
/// </summary>
ref struct StructWriter(Span<byte> buffer, LinuxAbi abi)
{
    readonly Span<byte> _buffer = buffer;
    int _position;

    /// <summary>The bytes of the structure so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[.._position];

    public readonly int Position => _position;

    public readonly int WordSize => abi.WordSize;

    public void Byte(byte value) => Next(1, 1)[0] = value;

    public void Short(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Next(2, 2), value);

    public void Int(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Next(4, 4), value);

    public void Int(int value) => Int((uint)value);

    /// <summary>A 64-bit field: aligned to 8 in x86-64, to 4 in i386.</summary>
    public void Wide(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Next(8, abi.WordSize), value);

    /// <summary>A long or a pointer.</summary>
    public void Word(ulong value)
    {
        if (abi.Is64)
        {
            Wide(value);
        }
        else
        {
            Int((uint)value);
        }
    }

    public void Word(long value) => Word((ulong)value);

    /// <summary>Bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Next(value.Length, 1));

    /// <summary>Zeros, up to a position in the structure.</summary>
    public void PadTo(int position) => Next(position - _position, 1);

    Span<byte> Next(int size, int alignment)
    {
        int start = (_position + alignment - 1) & -alignment;
        _buffer[_position..start].Clear();
        Span<byte> field = _buffer.Slice(start, size);
        field.Clear();
        _position = start + size;
        return field;
    }
}
