using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Memory;

namespace FastVcpu;

/// <summary>
/// A linear address space that the host defines, page by page, for guests in user mode: no page tables, no physical memory. Pages are
/// 4096 bytes. Several vCPUs may share one; all members may be called from any thread, also while vCPUs run.
/// </summary>
public sealed class AddressSpace : IDisposable
{
    /// <summary>Bytes of a page.</summary>
    public const ulong PageSize = MemoryBlock.PageSize;

    readonly LinearMap map;

    /// <summary>Creates an empty address space.</summary>
    /// <param name="memoryLimit">The most bytes of host memory that <see cref="Map(ulong, ulong, PagePermissions)"/> may hand out, in all.</param>
    public AddressSpace(ulong memoryLimit = ulong.MaxValue) => map = new LinearMap(memoryLimit);

    AddressSpace(LinearMap map) => this.map = map;

    internal Translator Translator => map;

    internal LinearMap Content => map;

    /// <summary>The mapped regions in the order of their addresses; neighbours of equal permissions are one region.</summary>
    public IReadOnlyList<MappedRegion> Regions
    {
        get
        {
            List<MappedRegion> result = [];
            foreach (LinearRegion region in map.Regions)
            {
                if (result.Count > 0 && result[^1] is var last && last.Start + last.Size == region.Start && last.Permissions == region.Permissions)
                {
                    result[^1] = last with { Size = last.Size + region.Size };
                }
                else
                {
                    result.Add(new MappedRegion(region.Start, region.Size, region.Permissions));
                }
            }
            return result;
        }
    }

    /// <summary>Maps zeroed memory, replacing what was mapped there.</summary>
    /// <param name="address">First linear address; a multiple of 4096.</param>
    /// <param name="size">Length in bytes; rounded up to whole pages.</param>
    /// <param name="permissions">What the guest may do there.</param>
    /// <exception cref="ArgumentException">Misaligned or empty, beyond the end of the address space, or beyond the memory limit.</exception>
    public void Map(ulong address, ulong size, PagePermissions permissions) => map.Map(address, RoundRange(address, size), permissions, null);

    /// <summary>Maps memory of the embedder, replacing what was mapped there. It is pinned until it is unmapped, and both sides see each other's writes.</summary>
    /// <remarks>The embedder's own writes to code go through <see cref="TryWrite"/>, so that decoded copies notice.</remarks>
    /// <param name="address">First linear address; a multiple of 4096.</param>
    /// <param name="memory">The bytes; a multiple of 4096 long.</param>
    /// <param name="permissions">What the guest may do there.</param>
    /// <exception cref="ArgumentException">Misaligned, empty, or beyond the end of the address space.</exception>
    public void Map(ulong address, Memory<byte> memory, PagePermissions permissions)
    {
        ulong size = (ulong)memory.Length;
        if (size % PageSize != 0)
        {
            throw new ArgumentException($"The memory is {size} bytes long; it has to be a multiple of {PageSize}.", nameof(memory));
        }
        map.Map(address, RoundRange(address, size), permissions, new MemoryBlock(memory));
    }

    /// <summary>Changes the permissions of mapped pages.</summary>
    /// <param name="address">First linear address; a multiple of 4096.</param>
    /// <param name="size">Length in bytes; rounded up to whole pages.</param>
    /// <param name="permissions">What the guest may do there from now on.</param>
    /// <exception cref="ArgumentException">Misaligned or empty, or a page of the range is not mapped (then nothing is changed).</exception>
    public void Protect(ulong address, ulong size, PagePermissions permissions)
    {
        if (!map.Protect(address, RoundRange(address, size), permissions))
        {
            throw new ArgumentException($"Not all pages from {address:x}h to {address + size - 1:x}h are mapped.", nameof(address));
        }
    }

    /// <summary>Unmaps pages; pages that are not mapped are passed over.</summary>
    /// <param name="address">First linear address; a multiple of 4096.</param>
    /// <param name="size">Length in bytes; rounded up to whole pages.</param>
    /// <exception cref="ArgumentException">Misaligned or empty.</exception>
    public void Unmap(ulong address, ulong size) => map.Unmap(address, RoundRange(address, size));

    /// <summary>True when every byte of the range is mapped.</summary>
    /// <param name="address">First linear address.</param>
    /// <param name="size">Length in bytes.</param>
    public bool IsMapped(ulong address, ulong size) => map.IsMapped(address, size);

    /// <summary>Reads guest memory as the host, whatever the permissions.</summary>
    /// <param name="address">First linear address.</param>
    /// <param name="destination">Receives the bytes; unspecified when false is returned.</param>
    /// <returns>False when a byte is not mapped.</returns>
    public bool TryRead(ulong address, Span<byte> destination) => map.TryRead(address, destination);

    /// <summary>Writes guest memory as the host, whatever the permissions; decoded code notices.</summary>
    /// <param name="address">First linear address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False when a byte is not mapped; then nothing has been written.</returns>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source) => map.TryWrite(address, source);

    /// <summary>Reads guest memory as the host.</summary>
    /// <param name="address">First linear address.</param>
    /// <param name="destination">Receives the bytes.</param>
    /// <exception cref="ArgumentException">A byte is not mapped.</exception>
    public void Read(ulong address, Span<byte> destination) => Require(TryRead(address, destination), address, destination.Length);

    /// <summary>Writes guest memory as the host.</summary>
    /// <param name="address">First linear address.</param>
    /// <param name="source">The bytes.</param>
    /// <exception cref="ArgumentException">A byte is not mapped.</exception>
    public void Write(ulong address, ReadOnlySpan<byte> source) => Require(TryWrite(address, source), address, source.Length);

    /// <summary>Reads one little-endian value.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="address">Linear address; need not be aligned.</param>
    /// <exception cref="ArgumentException">A byte is not mapped.</exception>
    public T Read<T>(ulong address) where T : unmanaged
    {
        Unsafe.SkipInit(out T value);
        Read(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    /// <summary>Writes one little-endian value.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="address">Linear address; need not be aligned.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">A byte is not mapped.</exception>
    public void Write<T>(ulong address, T value) where T : unmanaged => Write(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)));

    /// <summary>
    /// Gives direct access to guest memory, as much from <paramref name="address"/> on as is contiguous in host memory and has the
    /// permissions. Valid until the range is unmapped or replaced.
    /// </summary>
    /// <param name="address">Linear address.</param>
    /// <param name="needed">Permissions that the guest has to have.</param>
    /// <param name="memory">The memory; at least one byte on success. Write code through <see cref="TryWrite"/> instead.</param>
    /// <returns>False when the first byte is not mapped with these permissions.</returns>
    public bool TryAccess(ulong address, PagePermissions needed, out Span<byte> memory) => map.TryAccess(address, needed, out memory);

    /// <summary>
    /// An independent copy: same addresses, permissions and contents. The two share the pages that neither writes, as after a fork: the first copy of a space costs as much as there is in
    /// it, the next ones as much as has been written since.
    /// </summary>
    public AddressSpace Clone() => new(map.Clone());

    /// <summary>
    /// Freezes regions and contents, to come back to them with <see cref="Restore"/>. From now on the pages that are written are recorded, by the guest as by the host; memory of the
    /// embedder is compared as a whole. No vCPU may be running.
    /// </summary>
    public AddressSpaceSnapshot TakeSnapshot() => new(map.TakeSnapshot());

    /// <summary>
    /// Makes regions and contents what they were. That costs as much as there are pages written since, if this snapshot is the one that was taken or
    /// restored last; otherwise the space gets views of the snapshot that share its pages. No vCPU may be running.
    /// </summary>
    /// <param name="snapshot">Taken of this space or another.</param>
    public void Restore(AddressSpaceSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        map.Restore(snapshot.Content);
    }

    /// <summary>Returns the memory. The vCPUs that use this address space are disposed first.</summary>
    public void Dispose() => map.Dispose();

    static ulong RoundRange(ulong address, ulong size)
    {
        if (address % PageSize != 0)
        {
            throw new ArgumentException($"The address {address:x}h is not a multiple of {PageSize}.", nameof(address));
        }
        if (size == 0)
        {
            throw new ArgumentException("The range is empty.", nameof(size));
        }
        ulong rounded = (size + PageSize - 1) & ~(PageSize - 1);
        // The last page stays free, so that the end of a region is always a number.
        if (rounded < size || address + rounded < address)
        {
            throw new ArgumentException($"A range of {size:x}h bytes at {address:x}h does not fit into the address space.", nameof(size));
        }
        return rounded;
    }

    static void Require([DoesNotReturnIf(false)] bool done, ulong address, int length)
    {
        if (!done)
        {
            throw new ArgumentException($"Not all of the {length} bytes at {address:x}h are mapped.", nameof(address));
        }
    }
}
