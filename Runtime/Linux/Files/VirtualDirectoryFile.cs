using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>An open virtual directory.</summary>
sealed class VirtualDirectoryFile(VirtualDirectory directory, string path, OpenFlags flags) : OpenFile(path, flags)
{
    List<string>? _entries;
    int _position;

    public override GuestDirectory Directory => new(Path, null, directory);

    public override long Stat(out HostStatx stat) => directory.Stat(Path, out stat);

    public override long Position => _position;

    public override long Seek(long offset, int whence)
    {
        if (whence != 0 || offset is < 0 or > int.MaxValue)
        {
            return -Errno.EINVAL;
        }

        _position = (int)offset;
        _entries = offset == 0 ? null : _entries;
        return offset;
    }

    public override long ReadEntries(Span<byte> buffer)
    {
        _entries ??= [".", "..", .. directory.Names];
        int used = 0;
        while (_position < _entries.Count)
        {
            string name = _entries[_position];
            int size = DirectoryEntry.Size(name.Length);
            if (size > buffer.Length - used)
            {
                return used > 0 ? used : -Errno.EINVAL;
            }

            ushort mode = name is "." or ".." ? directory.Mode : directory.Find(name)?.Mode ?? 0;
            Span<byte> record = buffer.Slice(used, size);
            record.Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(record, (uint)string.GetHashCode(name, StringComparison.Ordinal) | 1u << 31);
            BinaryPrimitives.WriteInt64LittleEndian(record[8..], _position + 1);
            BinaryPrimitives.WriteUInt16LittleEndian(record[16..], (ushort)size);
            record[18] = (byte)(mode >> 12);
            PathText.ToBytes(name, record[DirectoryEntry.NameOffset..]);
            used += size;
            _position++;
        }

        return used;
    }
}
