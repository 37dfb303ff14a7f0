namespace FastVcpu.Machine.Devices.Pci;

/// <summary>The bridge to the ISA devices that firmware for PCs knows, Intel's PIIX3. The routes of interrupts, which are fixed, keep what is written.</summary>
public sealed class IsaBridge : PciFunction
{
    const ushort Intel = 0x8086, Device = 0x7000;
    const uint IsaBridgeClass = 0x060100;
    const int InterruptRoutes = 0x60, RouteCount = 4;

    /// <summary>Creates the bridge.</summary>
    public IsaBridge()
        : base(Intel, Device, IsaBridgeClass) => MakeWritable(InterruptRoutes, RouteCount);
}
