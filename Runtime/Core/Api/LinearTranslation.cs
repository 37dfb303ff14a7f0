namespace FastVcpu;

/// <summary>Where a linear address leads to (<c>struct kvm_translation</c>).</summary>
/// <param name="PhysicalAddress">Guest physical address, or all ones when it is not valid. In user mode, the linear address itself.</param>
/// <param name="IsValid">The address is mapped.</param>
/// <param name="IsWritable">The page tables allow writes.</param>
/// <param name="IsUser">The page tables allow accesses of privilege level 3.</param>
public readonly record struct LinearTranslation(ulong PhysicalAddress, bool IsValid, bool IsWritable, bool IsUser)
{
    internal static LinearTranslation None { get; } = new(ulong.MaxValue, false, false, false);
}
