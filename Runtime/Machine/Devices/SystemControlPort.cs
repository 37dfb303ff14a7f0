namespace FastVcpu.Machine.Devices;

/// <summary>System control port A (92h): fast A20 and fast reset. The address line is always on.</summary>
/// <param name="vm">The machine.</param>
public sealed class SystemControlPort(VirtualMachine vm) : IDevice
{
    /// <summary>Its port.</summary>
    public const ushort Port = 0x92;

    const byte Reset = 1, A20 = 2;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data[0] = A20;

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if ((data[0] & Reset) != 0)
        {
            vm.RequestSystemEvent(SystemEventType.Reset);
        }
    }
}
