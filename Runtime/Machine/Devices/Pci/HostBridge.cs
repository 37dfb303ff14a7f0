namespace FastVcpu.Machine.Devices.Pci;

/// <summary>
/// The host bridge that firmware for PCs knows, Intel's 440FX. Its registers that choose between ROM and memory below 1 MiB keep what is written, and
/// there always is memory.
/// </summary>
public sealed class HostBridge : PciFunction
{
    const ushort Intel = 0x8086, Device = 0x1237;
    const uint HostBridgeClass = 0x060000;
    const int AttributeMap = 0x59, AttributeMapCount = 7, SystemManagementMemory = 0x72;

    /// <summary>Creates the bridge.</summary>
    public HostBridge()
        : base(Intel, Device, HostBridgeClass, revision: 2)
    {
        MakeWritable(AttributeMap, AttributeMapCount);
        MakeWritable(SystemManagementMemory, 1);
    }
}
