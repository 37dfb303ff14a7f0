using System.ComponentModel;
using System.Runtime.InteropServices;

namespace FastVcpu.Fuzz.Code;

/// <summary>This machine's own CPU as the reference. There has to be x86-64 Linux and a C compiler.</summary>
sealed class HostCpu : ReferenceCpu
{
    HostCpu()
        : base("HostCpu.c", ["-fno-stack-protector", "-mfsgsbase", "-mgeneral-regs-only"])
    {
    }

    /// <inheritdoc/>
    public override string Name => "host";

    /// <inheritdoc/>
    public override bool IsForAllWays => true;

    /// <summary>The host's CPU, or null and the reason where it cannot be had.</summary>
    public static HostCpu? TryStart(out string reason)
    {
        reason = "";
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            reason = "this is not x86-64 Linux";
            return null;
        }
        try
        {
            return new HostCpu();
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            reason = e.Message;
            return null;
        }
    }
}
