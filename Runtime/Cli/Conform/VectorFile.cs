using System.Buffers.Binary;
using System.IO.Compression;

namespace FastVcpu.Cli.Conform;

/// <summary>Reads the lines of a `.jsonl` or `.jsonl.gz` file one after the other. Damage is an <see cref="InputException"/> that names file and line.</summary>
sealed class VectorFile : IDisposable
{
    /// <summary>Longer than any vector; keeps a hostile file from filling memory.</summary>
    const int LongestLine = 4 << 20;

    readonly FileStream file;
    readonly Stream stream;
    /// <summary>Bytes that came out of an archive, or null: the file is not one.</summary>
    long? unpacked;
    byte[] buffer = new byte[1 << 16];
    int start, end;
    int number;

    public VectorFile(string path, VectorMode? mode)
    {
        Path = path;
        if (!File.Exists(path))
        {
            throw new InputException($"The vector file '{path}' does not exist.");
        }

        Mode = mode ?? ModeOf(path);
        file = File.OpenRead(path);
        stream = file;
        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            stream = new GZipStream(file, CompressionMode.Decompress);
            unpacked = 0;
        }
    }

    public string Path { get; }

    public VectorMode Mode { get; }

    /// <summary>Reads the next line into <paramref name="vector"/>; false at the end of the file.</summary>
    public bool Read(Vector vector)
    {
        ReadOnlySpan<byte> line = NextLine();
        if (line.IsEmpty)
        {
            if (number == 0)
            {
                throw Damaged("there is no vector in it");
            }

            return false;
        }

        number++;
        vector.Reset(Mode, number);
        try
        {
            VectorParser.Parse(line, vector);
        }
        catch (FormatException error)
        {
            throw Damaged(error.Message);
        }

        return true;
    }

    public void Dispose() => stream.Dispose();

    /// <summary>The folder says the mode: the closest one above the file that has the name of a mode.</summary>
    static VectorMode ModeOf(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        foreach (string part in full.Split(System.IO.Path.DirectorySeparatorChar).Reverse())
        {
            foreach (VectorMode mode in Enum.GetValues<VectorMode>())
            {
                if (part.Equals(mode.ToString(), StringComparison.OrdinalIgnoreCase))
                {
                    return mode;
                }
            }
        }

        throw new InputException($"No folder above '{path}' is called x64, x86 or x16, so its mode is unknown; say it with --mode.");
    }

    /// <summary>Without its line end; empty at the end of the file.</summary>
    ReadOnlySpan<byte> NextLine()
    {
        int scanned = 0;
        while (true)
        {
            int length = buffer.AsSpan(start + scanned, end - start - scanned).IndexOf((byte)'\n');
            if (length >= 0)
            {
                ReadOnlySpan<byte> line = buffer.AsSpan(start, scanned + length);
                start += scanned + length + 1;
                line = line.TrimEnd((byte)'\r');
                return line.IsEmpty ? throw Damaged("it has a blank line") : line;
            }

            scanned = end - start;
            if (!Fill())
            {
                ReadOnlySpan<byte> rest = buffer.AsSpan(start, scanned);
                start = end;
                return rest;
            }
        }
    }

    bool Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
        }

        if (end == buffer.Length)
        {
            if (buffer.Length >= LongestLine)
            {
                throw Damaged($"a line has more than {LongestLine} bytes");
            }

            Array.Resize(ref buffer, buffer.Length * 2);
        }

        try
        {
            int got = stream.Read(buffer, end, buffer.Length - end);
            end += got;
            unpacked += got;
            if (got == 0 && unpacked is long length && length != LengthInTrailer())
            {
                throw Damaged("it is truncated");
            }

            return got > 0;
        }
        catch (InvalidDataException)
        {
            throw Damaged("it is truncated or not gzip");
        }
    }

    /// <summary>The length that the archive says itself, in its last four bytes: GZipStream takes a file that ends early for complete.</summary>
    long LengthInTrailer()
    {
        const int Smallest = 18;
        if (file.Length < Smallest)
        {
            return -1;
        }

        Span<byte> trailer = stackalloc byte[sizeof(uint)];
        file.Position = file.Length - trailer.Length;
        file.ReadExactly(trailer);
        return BinaryPrimitives.ReadUInt32LittleEndian(trailer);
    }

    InputException Damaged(string what) => new($"The vector file '{Path}' is damaged after line {number}: {what}.");
}
