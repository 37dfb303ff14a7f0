namespace FastVcpu;

/// <summary>A run of pages of an <see cref="AddressSpace"/> with the same permissions.</summary>
/// <param name="Start">First linear address, in bytes, page-aligned.</param>
/// <param name="Size">Length in bytes, a multiple of 4096.</param>
/// <param name="Permissions">What the guest may do there.</param>
public readonly record struct MappedRegion(ulong Start, ulong Size, PagePermissions Permissions);
