namespace FastVcpu.Interrupts;

/// <summary>Bits of an entry of the I/O APIC's redirection table (82093AA data sheet 3.2.4).</summary>
static class Redirection
{
    public const ulong Logical = 1 << 11, DeliveryStatus = 1 << 12, RemoteIrr = 1 << 14, LevelTriggered = 1 << 15, Masked = 1 << 16;
    public const ulong ReadOnly = DeliveryStatus | RemoteIrr;
    public const int DestinationShift = 56;
}
