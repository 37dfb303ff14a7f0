using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Files;

/// <summary>
/// Who can still write into a pipe of the guest and read from it. The host knows that too late: while it starts a program, that has all our descriptors for a moment, and an end that the guest has closed is still open.
/// </summary>
sealed class PipeEnds
{
    int _readers, _writers;

    /// <summary>Nobody can write any more: what waits is all.</summary>
    public bool HasNoWriter => Volatile.Read(ref _writers) == 0;

    /// <summary>Nobody can read any more.</summary>
    public bool HasNoReader => Volatile.Read(ref _readers) == 0;

    /// <summary>A file of a mode has been opened (1) or closed (-1).</summary>
    public void Count(OpenFlags flags, int change)
    {
        OpenFlags mode = flags & OpenFlags.AccessMode;
        Interlocked.Add(ref _readers, mode == OpenFlags.WriteOnly ? 0 : change);
        Interlocked.Add(ref _writers, mode == OpenFlags.ReadOnly ? 0 : change);
    }
}
