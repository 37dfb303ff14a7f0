namespace FastVcpu.Machine.Devices.Virtio;

/// <summary>A virtio entropy device (5.4).</summary>
/// <param name="vm">The machine.</param>
/// <param name="fill">Where the random bytes come from.</param>
public sealed class VirtioEntropy(VirtualMachine vm, VirtioEntropy.Source fill) : VirtioDevice(vm, Type, OtherDevice, 0, 1)
{
    const ushort Type = 4;
    const uint OtherDevice = 0xFF0000;
    const int MostBytes = 4096;

    /// <summary>Fills a buffer with random bytes.</summary>
    /// <param name="data">The buffer.</param>
    public delegate void Source(Span<byte> data);

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> DeviceConfiguration => [];

    /// <inheritdoc/>
    protected override uint Serve(int queue, VirtioChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Span<byte> random = stackalloc byte[(int)Math.Min(chain.WritableLength, MostBytes)];
        fill(random);
        return chain.TryWrite(random) ? (uint)random.Length : 0;
    }
}
