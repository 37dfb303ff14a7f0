using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Machine.Devices;

/// <summary>A disk whose sectors are the bytes of a file.</summary>
public sealed class FileDisk : IDisk, IDisposable
{
    readonly SafeFileHandle file;

    /// <summary>Opens an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isReadOnly">The guest cannot write.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be opened.</exception>
    public FileDisk(string path, bool isReadOnly)
    {
        IsReadOnly = isReadOnly;
        file = File.OpenHandle(path, FileMode.Open, isReadOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.Read);
        Length = RandomAccess.GetLength(file);
    }

    /// <inheritdoc/>
    public long Length { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            int count = RandomAccess.Read(file, data, offset);
            if (count == 0)
            {
                throw new EndOfStreamException("The disk image has become shorter.");
            }
            data = data[count..];
            offset += count;
        }
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> data) => RandomAccess.Write(file, data, offset);

    /// <inheritdoc/>
    public void Flush() => RandomAccess.FlushToDisk(file);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
