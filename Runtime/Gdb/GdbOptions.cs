namespace FastVcpu.Gdb;

/// <summary>What a <see cref="GdbServer"/> debugs.</summary>
public sealed class GdbOptions
{
    /// <summary>The machine whose vCPUs are debugged; null for programs in user mode.</summary>
    public VirtualMachine? Machine { get; init; }

    /// <summary>Show the registers of x86-64; otherwise those of i386.</summary>
    public bool Is64Bit { get; init; } = true;

    /// <summary>The guest does not run before the first client has come.</summary>
    public bool WaitsForClient { get; init; } = true;

    /// <summary>Called with true when the machine's clock is to stand still, because a step runs that asks for it, and with false afterwards.</summary>
    public Action<bool>? PauseClock { get; init; }

    /// <summary>Called when the client kills the guest.</summary>
    public Action? Kill { get; init; }

    /// <summary>Whether addresses other than loopback may be listened on.</summary>
    public bool AllowRemote { get; init; }
}
