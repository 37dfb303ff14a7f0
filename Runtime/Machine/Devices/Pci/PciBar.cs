namespace FastVcpu.Machine.Devices.Pci;

/// <summary>A range of a function, wherever its base address register puts it.</summary>
/// <param name="size">Bytes.</param>
/// <param name="isPorts">Ports, not memory.</param>
/// <param name="device">What is there.</param>
sealed class PciBar(uint size, bool isPorts, IDevice device) : IDevice
{
    const uint PortSpace = 0x10000;

    public uint Size => size;

    public bool IsPorts => isPorts;

    /// <summary>Where it is; 0 when nowhere.</summary>
    public uint Place { get; private set; }

    /// <summary>Follows the register. A range that another device has, or that does not fit, is not answered.</summary>
    public void MoveTo(VirtualMachine vm, bool isDecoded, uint address)
    {
        uint wanted = isDecoded && (!isPorts || address + size <= PortSpace) ? address : 0;
        if (wanted == Place)
        {
            return;
        }
        vm.Detach(this);
        Place = wanted;
        try
        {
            if (wanted != 0 && isPorts)
            {
                vm.AttachPorts((ushort)wanted, (int)size, this);
            }
            else if (wanted != 0)
            {
                vm.AttachMemory(wanted, size, this);
            }
        }
        catch (ArgumentException)
        {
            Place = 0;
        }
    }

    public void Read(ulong offset, Span<byte> data) => device.Read(offset, data);

    public void Write(ulong offset, ReadOnlySpan<byte> data) => device.Write(offset, data);
}
