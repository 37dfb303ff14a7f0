using FastVcpu.Linux.Files;

namespace FastVcpu.Linux.Process;

/// <summary>The resource limits of a process (getrlimit). They are what programs see and set; the host's memory has its own limit.</summary>
sealed class ResourceLimits : IStateful
{
    public const ulong Infinite = ulong.MaxValue;
    public const int Count = 16;
    const int Stack = 3, Core = 4, Files = 7, AddressSpaceSize = 9, PendingSignals = 11;
    const ulong DefaultStack = 8 << 20;

    readonly (ulong Current, ulong Maximum)[] _limits;

    public ResourceLimits(ulong memoryLimit)
    {
        _limits = new (ulong, ulong)[Count];
        Array.Fill(_limits, (Infinite, Infinite));
        _limits[Stack] = (DefaultStack, Infinite);
        _limits[Core] = (0, Infinite);
        _limits[Files] = (DescriptorTable.Limit, DescriptorTable.Limit);
        _limits[AddressSpaceSize] = (memoryLimit, memoryLimit);
        _limits[PendingSignals] = (1024, 1024);
    }

    ResourceLimits((ulong Current, ulong Maximum)[] limits) => _limits = limits;

    public (ulong Current, ulong Maximum) this[int resource]
    {
        get => _limits[resource];
        set => _limits[resource] = value;
    }

    public void Transfer(StateTransfer state)
    {
        foreach (ref (ulong Current, ulong Maximum) limit in _limits.AsSpan())
        {
            limit = (state.Value(limit.Current), state.Value(limit.Maximum));
        }
    }

    public ResourceLimits Clone() => new([.. _limits]);
}
