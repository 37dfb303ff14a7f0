using FastVcpu.Memory;
using FastVcpu.Snapshots;

namespace FastVcpu;

/// <summary>
/// A whole machine at some time: processors, interrupt controllers, clock, devices, memory; or a guest in user mode as a whole (<see cref="UserModeGuest"/>). It does not change and holds no pointers: it can be restored any number of times, in
/// any number of machines that are made of the same parts – they share the pages that they have not written since –, and be written to a file.
/// </summary>
/// <example>
/// <code>
/// using MachineSnapshot start = vm.TakeSnapshot();
/// for (;;) { vm.Restore(start); /* put an input into memory */ vm.Vcpus[0].Run(1_000_000); }
/// </code>
/// </example>
public sealed class MachineSnapshot : IDisposable
{
    int isDisposed;

    internal MachineSnapshot(SnapshotPart[] parts, byte[] state, SnapshotSlot[] slots, object? origin = null)
    {
        Parts = parts;
        State = state;
        Slots = slots;
        Origin = origin;
    }

    internal MachineSnapshot(SnapshotPart[] parts, byte[] state, LinearSnapshot space, object? origin = null)
        : this(parts, state, [], origin) => Space = space;

    /// <summary>What the embedder wants to know when it builds a machine for this snapshot; kept in the file.</summary>
    public string Description { get; set; } = "";

    /// <summary>Names of the machine's parts, in their order.</summary>
    public IReadOnlyList<string> PartNames => [.. Parts.Select(part => part.Name)];

    /// <summary>It is one of a <see cref="UserModeGuest"/>, not of a machine.</summary>
    public bool IsOfUserMode => Space != null;

    /// <summary>Bytes of guest memory.</summary>
    public ulong MemorySize => Space?.MemorySize ?? Slots.Aggregate(0UL, (sum, slot) => sum + slot.Image.Size);

    internal SnapshotPart[] Parts { get; }

    internal bool IsDisposed => Volatile.Read(ref isDisposed) != 0;

    internal byte[] State { get; }

    internal SnapshotSlot[] Slots { get; }

    /// <summary>The address space of a guest in user mode, which has no slots.</summary>
    internal LinearSnapshot? Space { get; }

    /// <summary>The machine or guest that it was taken of, whose values need no check.</summary>
    internal object? Origin { get; }

    /// <summary>Writes the snapshot. What has been written is whole or, after an exception, nothing that <see cref="Load"/> takes.</summary>
    /// <param name="stream">Where to.</param>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        SnapshotWriter.Write(this, stream);
    }

    /// <summary>Reads a snapshot and checks all of it.</summary>
    /// <param name="stream">Where from; can seek.</param>
    /// <exception cref="SnapshotException">It is damaged, or no snapshot, or one of another version.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static MachineSnapshot Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return SnapshotReader.Read(stream);
    }

    /// <summary>Gives the memory back, once no machine shows it any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
        {
            return;
        }
        foreach (SnapshotSlot slot in Slots)
        {
            slot.Image.Release();
        }
        Space?.Dispose();
    }
}

/// <summary>Where the state of a part lies in <see cref="MachineSnapshot.State"/>.</summary>
readonly record struct SnapshotPart(string Name, int Offset, int Length);

/// <summary>A memory slot and its contents.</summary>
readonly record struct SnapshotSlot(int Number, ulong Start, bool IsReadOnly, MemoryImage Image);
