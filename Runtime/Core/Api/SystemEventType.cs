namespace FastVcpu;

/// <summary>What a device asks of the embedder with <see cref="ExitReason.SystemEvent"/> (<c>KVM_SYSTEM_EVENT_*</c>).</summary>
public enum SystemEventType
{
    /// <summary>Power off.</summary>
    Shutdown = 1,
    /// <summary>Reset.</summary>
    Reset = 2,
    /// <summary>The guest reports that it has crashed.</summary>
    Crash = 3,
}
