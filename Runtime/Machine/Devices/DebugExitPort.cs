using System.Buffers.Binary;

namespace FastVcpu.Machine.Devices;

/// <summary>A port through which a test ends the machine (QEMU's isa-debug-exit): a write of N ends the run with exit status N × 2 + 1.</summary>
/// <param name="vm">The machine.</param>
public sealed class DebugExitPort(VirtualMachine vm) : IDevice
{
    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        data.CopyTo(value);
        vm.RequestSystemEvent(SystemEventType.Shutdown, BinaryPrimitives.ReadUInt64LittleEndian(value) * 2 + 1);
    }
}
