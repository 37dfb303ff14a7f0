using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Process;

/// <summary>Working directory and creation mask; shared by processes with CLONE_FS.</summary>
sealed class FileContext(GuestDirectory workingDirectory, uint creationMask)
{
    /// <summary>The directory's descriptor is closed when nothing refers to it any more: other processes may stand in the same place.</summary>
    public GuestDirectory WorkingDirectory { get; set; } = workingDirectory;

    public uint CreationMask { get; set; } = creationMask;

    public FileContext Clone() => new(WorkingDirectory, CreationMask);
}
