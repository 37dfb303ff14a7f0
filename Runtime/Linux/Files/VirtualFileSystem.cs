using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>
/// What a process finds at places where the host's own files would lie about the guest or tell of the host: /proc is made up as a whole; in
/// /dev the devices every program may use are there whatever the root holds.
/// </summary>
sealed class VirtualFileSystem(GuestProcess process)
{
    static readonly string[] s_devices = ["null", "zero", "full", "random", "urandom", "tty"];
    static readonly string[] s_streams = ["fd", "stdin", "stdout", "stderr"];

    /// <summary>The virtual file that a name in a directory stands for, or null when the host's directory answers.</summary>
    public VirtualNode? Find(string directory, string name) => (directory, name) switch
    {
        ("/", "proc") => new ProcFileSystem(process).Root,
        ("/", "dev") => HostCalls.Stat(process.System.Root, "dev", out _) < 0 ? new VirtualDirectory(FindDevice, () => s_devices.Concat(s_streams)) : null,
        ("/dev", _) => FindDevice(name),
        _ => null,
    };

    static VirtualNode? FindDevice(string name) => name switch
    {
        "fd" => new VirtualLink(() => "/proc/self/fd"),
        "stdin" => new VirtualLink(() => "/proc/self/fd/0"),
        "stdout" => new VirtualLink(() => "/proc/self/fd/1"),
        "stderr" => new VirtualLink(() => "/proc/self/fd/2"),
        _ => s_devices.Contains(name) ? new VirtualDevice("/dev/" + name) : null,
    };
}
