using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>Reads from a file at an offset.</summary>
static class FileReader
{
    /// <summary>Fills as much of the buffer as the file has; returns the number of bytes, or a negated error number.</summary>
    public static long Read(HostFile file, long offset, Span<byte> buffer)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            long count = HostCalls.ReadAt(file, buffer[total..], offset + total);
            if (count <= 0)
            {
                return count < 0 && total == 0 ? count : total;
            }

            total += (int)count;
        }

        return total;
    }
}
