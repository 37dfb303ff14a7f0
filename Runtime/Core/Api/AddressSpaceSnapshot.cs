using FastVcpu.Memory;

namespace FastVcpu;

/// <summary>
/// Regions and contents of an <see cref="AddressSpace"/> at some time. It does not change; any number of address spaces may be restored to it, and they share the
/// pages that they have not written since.
/// </summary>
public sealed class AddressSpaceSnapshot : IDisposable
{
    internal AddressSpaceSnapshot(LinearSnapshot content) => Content = content;

    internal LinearSnapshot Content { get; }

    /// <summary>Gives the memory back, once no address space shows it any more.</summary>
    public void Dispose() => Content.Dispose();
}
