namespace FastVcpu;

/// <summary>What CPUID returns for a leaf (<c>struct kvm_cpuid_entry2</c>).</summary>
/// <param name="Leaf">EAX of the question.</param>
/// <param name="Subleaf">ECX of the question, or null when it does not matter.</param>
/// <param name="Eax">Answer.</param>
/// <param name="Ebx">Answer.</param>
/// <param name="Ecx">Answer.</param>
/// <param name="Edx">Answer.</param>
public readonly record struct CpuidEntry(uint Leaf, uint? Subleaf, uint Eax, uint Ebx, uint Ecx, uint Edx);
