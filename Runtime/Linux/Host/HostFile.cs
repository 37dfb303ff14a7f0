using System.Runtime.InteropServices;

namespace FastVcpu.Linux.Host;

/// <summary>A file descriptor of the host; closed when the last user is done with it.</summary>
sealed class HostFile : SafeHandle
{
    public HostFile(int descriptor, bool owned = true)
        : base(-1, owned) => SetHandle(descriptor);

    public override bool IsInvalid => handle == -1;

    /// <summary>The number, only for calls that a live reference to this object protects.</summary>
    public int Descriptor => (int)handle;

    /// <summary>The host's own name of the open file: reopening it needs no path and follows nothing that the guest controls.</summary>
    public string MagicPath => $"/proc/self/fd/{Descriptor}";

    protected override bool ReleaseHandle() => Libc.CloseRaw((int)handle) == 0;
}
