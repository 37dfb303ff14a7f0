namespace FastVcpu.Linux.Host;

/// <summary>What this package asks of the machine it runs on.</summary>
static class HostPlatform
{
    /// <summary>Throws the one sentence that a host other than Linux gets.</summary>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("FastVcpu.Linux passes system calls on to the host and therefore needs Linux.");
        }
    }

    /// <summary>
    /// Whether plain loads and stores of two host threads are ordered as x86 orders them. Where they are not, guest threads would see their
    /// shared memory in orders that no x86 shows, so they are refused.
    /// </summary>
    public static bool HasX86MemoryOrder =>
        System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.X64
            or System.Runtime.InteropServices.Architecture.X86;
}
