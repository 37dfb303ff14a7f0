namespace FastVcpu.Machine.Devices;

/// <summary>A port whose writes are characters for the one who debugs (Bochs' E9h, QEMU's 402h). Reads say that it is there.</summary>
/// <param name="answer">What a read gives: E9h for the port of that number too.</param>
/// <param name="write">Gets each character.</param>
public sealed class DebugConsole(byte answer, Action<byte> write) : IDevice
{
    /// <summary>The port of Bochs, and that of SeaBIOS.</summary>
    public const ushort BochsPort = 0xE9, FirmwarePort = 0x402;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data[0] = answer;

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data) => write(data[0]);
}
