using System.Buffers.Binary;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>Accesses to a device as a guest makes them.</summary>
static class Bus
{
    public static uint In(this IDevice device, int offset, int size = 1)
    {
        Span<byte> data = stackalloc byte[8];
        device.Read((ulong)offset, data[..size]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    public static void Out(this IDevice device, int offset, ulong value, int size = 1)
    {
        Span<byte> data = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(data, value);
        device.Write((ulong)offset, data[..size]);
    }
}
