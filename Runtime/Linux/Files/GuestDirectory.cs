using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>An open directory as the start of a path: a working directory, or what a descriptor refers to.</summary>
/// <param name="Path">Its path in the guest's file system, without links.</param>
/// <param name="Host">The directory of the host, or null for a virtual one.</param>
/// <param name="Virtual">The virtual directory, or null.</param>
sealed record GuestDirectory(string Path, HostFile? Host, VirtualDirectory? Virtual);
