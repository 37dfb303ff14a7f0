namespace FastVcpu.Gdb;

/// <summary>What a <see cref="GdbServer"/> debugs.</summary>
public sealed class GdbOptions
{
    /// <summary>The machine whose vCPUs are debugged; null for programs in user mode.</summary>
    public VirtualMachine? Machine { get; init; }

    /// <summary>The program of Linux that is debugged; null for machines and bare code.</summary>
    public LinuxTarget? Linux { get; init; }

    /// <summary>Show the registers of x86-64; otherwise those of i386.</summary>
    public bool Is64Bit { get; init; } = true;

    /// <summary>The guest does not run before the first client has come.</summary>
    public bool WaitsForClient { get; init; } = true;

    /// <summary>Called when the client kills the guest.</summary>
    public Action? Kill { get; init; }

    /// <summary>Exits that end the guest, so that they are not reported as signals: the return of a called function, for example.</summary>
    public Func<VcpuExit, bool>? EndsGuest { get; init; }

    /// <summary>Whether addresses other than loopback may be listened on.</summary>
    public bool AllowRemote { get; init; }
}
