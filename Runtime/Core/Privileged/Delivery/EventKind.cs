namespace FastVcpu.Privileged.Delivery;

/// <summary>Where an event that goes through the vector table comes from.</summary>
enum EventKind
{
    /// <summary>An interrupt or NMI.</summary>
    Interrupt,
    /// <summary>A fault, trap or abort of an instruction.</summary>
    Exception,
    /// <summary>INT n: needs privilege, and in virtual-8086 mode IOPL 3.</summary>
    SoftwareInterrupt,
    /// <summary>INT3 and INTO: need privilege.</summary>
    SoftwareException,
    /// <summary>INT1: needs none.</summary>
    PrivilegedSoftwareException,
}
