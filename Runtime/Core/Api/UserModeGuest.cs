using System.Security.Cryptography;
using FastVcpu.Snapshots;

namespace FastVcpu;

/// <summary>
/// A guest in user mode as a whole: an address space, and the parts that have state besides it – vCPUs, a clock, what an embedder keeps for the guest. It is saved, restored and hashed as one, as
/// a <see cref="VirtualMachine"/> is, and its snapshots have the same file format.
/// </summary>
/// <example>
/// <code>
/// UserModeGuest guest = new(space);
/// guest.AddState("cpu", cpu);
/// using MachineSnapshot snapshot = guest.TakeSnapshot();
/// snapshot.Save(stream);
/// </code>
/// </example>
/// <param name="space">The address space.</param>
public sealed class UserModeGuest(AddressSpace space)
{
    readonly StateParts parts = new();

    /// <summary>The address space.</summary>
    public AddressSpace Space { get; } = space ?? throw new ArgumentNullException(nameof(space));

    /// <summary>Makes something a part of the guest's state. Guests that are to take over each other's snapshots add parts of the same names in the same order.</summary>
    /// <param name="name">Names the part; no other has that name.</param>
    /// <param name="part">What has the state: a vCPU of the address space, its clock, anything of the embedder.</param>
    /// <exception cref="ArgumentException">The name is taken, or empty.</exception>
    public void AddState(string name, IStateful part) => parts.Add(name, part);

    /// <summary>Copies the state of all parts, and freezes regions and contents as <see cref="AddressSpace.TakeSnapshot"/> does. No vCPU may be running.</summary>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public MachineSnapshot TakeSnapshot()
    {
        (byte[] state, SnapshotPart[] where) = parts.Save();
        return new MachineSnapshot(where, state, Space.Content.TakeSnapshot(), origin: this);
    }

    /// <summary>Makes the guest what it was. No vCPU may be running.</summary>
    /// <param name="snapshot">Taken of this guest, or of one that is made of the same parts.</param>
    /// <exception cref="SnapshotException">The snapshot belongs to a machine or another kind of guest, has values that cannot be, or does not fit into the memory limit. Nothing has changed.</exception>
    public void Restore(MachineSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ObjectDisposedException.ThrowIf(snapshot.IsDisposed, snapshot);
        if (snapshot.Space is not { } content)
        {
            throw new SnapshotException("The snapshot is of a machine, not of a guest in user mode.");
        }
        parts.Check(snapshot);
        if (content.MemorySize > Space.Content.MemoryLimit)
        {
            throw new SnapshotException($"The snapshot has {content.MemorySize} bytes of memory; {Space.Content.MemoryLimit} are allowed.");
        }
        parts.Restore(snapshot, isOwn: snapshot.Origin == this);
        Space.Content.Restore(content);
    }

    /// <summary>A number for all parts, regions and contents: two runs of a guest without chance that have retired as many instructions have the same. No vCPU may be running.</summary>
    /// <returns>A SHA-256 hash.</returns>
    public byte[] StateHash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        parts.AppendTo(hash);
        Space.Content.AppendTo(hash);
        return hash.GetHashAndReset();
    }
}
