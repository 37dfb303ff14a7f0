using unsafe Handler = delegate*<FastVcpu.State.CpuState*, FastVcpu.Execution.Op*, long, long>;

namespace FastVcpu.Execution;

/// <summary>The handlers that programs have needed, for all CPUs. The many small methods that choose one run once for each, so the runtime does not compile them again.</summary>
static unsafe class HandlerCache
{
    const int Bits = 12;
    const uint GoldenRatio = 0x9E3779B9;

    sealed record Entry(HandlerKey Key, nint Handler);

    static readonly Entry?[] Entries = new Entry?[1 << Bits];

    /// <summary>The compiled handler of a key.</summary>
    public static Handler Find(HandlerKey key)
    {
        ref Entry? place = ref Entries[key.Value * GoldenRatio >> (32 - Bits)];
        Entry? found = Volatile.Read(ref place);
        if (found == null || found.Key != key)
        {
            Volatile.Write(ref place, found = new Entry(key, (nint)HandlerTable.Resolve(key)));
        }
        return (Handler)found.Handler;
    }
}
