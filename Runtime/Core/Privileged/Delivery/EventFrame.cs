namespace FastVcpu.Privileged.Delivery;

/// <summary>An event on its way through the vector table.</summary>
/// <param name="Vector">0 to 255.</param>
/// <param name="Kind">Where it comes from.</param>
/// <param name="ErrorCode">What is pushed last, or null.</param>
/// <param name="Flags">The image of RFLAGS that is pushed.</param>
/// <param name="ReturnRip">The address that is pushed.</param>
readonly record struct EventFrame(int Vector, EventKind Kind, uint? ErrorCode, ulong Flags, ulong ReturnRip)
{
    /// <summary>The event does not come from an instruction that asks for it: bit 0 of error codes.</summary>
    public bool IsExternal => Kind is EventKind.Interrupt or EventKind.Exception or EventKind.PrivilegedSoftwareException;

    /// <summary>The gate's DPL limits who may name it.</summary>
    public bool NeedsPrivilege => Kind is EventKind.SoftwareInterrupt or EventKind.SoftwareException;

    /// <summary>The error code that names the vector: index and the IDT bit.</summary>
    public uint VectorError => (uint)Vector << 3 | 2;
}
