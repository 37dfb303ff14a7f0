using System.Security.Cryptography;
using FastVcpu.Memory;
using FastVcpu.Snapshots;

namespace FastVcpu;

/// <summary>The state of the whole machine: saved, restored, and as one number.</summary>
public sealed partial class VirtualMachine
{
    readonly List<(string Name, IStateful Part)> parts = [];

    /// <summary>
    /// Makes a device a part of the machine's state: of snapshots and of <see cref="StateHash"/>. Clock, interrupt controllers and processors are that by themselves. Machines that
    /// are to take over each other's snapshots add parts of the same names in the same order.
    /// </summary>
    /// <param name="name">Names the part; no other has that name.</param>
    /// <param name="part">What has the state.</param>
    /// <exception cref="ArgumentException">The name is taken, or empty.</exception>
    public void AddState(string name, IStateful part)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(part);
        if (parts.Any(other => other.Name == name))
        {
            throw new ArgumentException($"There is a part '{name}' already.", nameof(name));
        }
        parts.Add((name, part));
    }

    /// <summary>
    /// Copies the state of the whole machine. From now on pages that are written are recorded, so that going back to this snapshot costs as much as there are of them. No vCPU may
    /// be running. Not in it are settings of the embedder: debugging, routes of interrupts, what CPUID says, dirty logs.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public MachineSnapshot TakeSnapshot()
    {
        (byte[] state, SnapshotPart[] where) = SaveParts();
        return new MachineSnapshot(where, state, memory.TakeSnapshot(), origin: this);
    }

    /// <summary>
    /// Makes the machine what it was: processors, controllers, clock, devices, and memory with its slots. That costs as much as there are pages written since, if this is the snapshot that the machine
    /// was taken from or restored to last; otherwise it gets views that share the snapshot's pages. No vCPU may be running.
    /// </summary>
    /// <param name="snapshot">Taken of this machine, or of one that is made of the same parts.</param>
    /// <exception cref="SnapshotException">The snapshot belongs to another kind of machine, or has values that cannot be. Nothing has changed.</exception>
    public void Restore(MachineSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ObjectDisposedException.ThrowIf(snapshot.IsDisposed, snapshot);
        CheckParts(snapshot);
        bool stands = Clock.IsPaused;
        if (!stands)
        {
            Clock.Pause();
        }
        try
        {
            if (snapshot.Origin == this)
            {
                RestoreParts(snapshot.State, snapshot.Parts);
            }
            else
            {
                RestoreChecked(snapshot);
            }
            memory.Restore(snapshot.Slots);
        }
        finally
        {
            if (!stands)
            {
                Clock.Resume();
            }
        }
    }

    /// <summary>
    /// A number for the state of the whole machine, all parts and all memory: two runs of a machine without chance that have retired as many instructions have the same. No vCPU may
    /// be running.
    /// </summary>
    /// <returns>A SHA-256 hash.</returns>
    public byte[] StateHash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        (byte[] state, SnapshotPart[] where) = SaveParts();
        foreach (SnapshotPart part in where)
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{part.Name} {part.Length}\n"));
            hash.AppendData(state.AsSpan(part.Offset, part.Length));
        }
        memory.AppendTo(hash);
        return hash.GetHashAndReset();
    }

    /// <summary>The state of each part by itself, to find out in which of them two machines differ.</summary>
    public IReadOnlyDictionary<string, byte[]> SaveState()
    {
        (byte[] state, SnapshotPart[] where) = SaveParts();
        return where.ToDictionary(part => part.Name, part => state[part.Offset..(part.Offset + part.Length)]);
    }

    /// <summary>Makes some parts what they were: the processors and devices of a reset, for example. The others, and memory, stay as they are. No vCPU may be running.</summary>
    /// <param name="state">What <see cref="SaveState"/> of this machine has returned, or some of it.</param>
    /// <exception cref="SnapshotException">There is no such part, or it has values that cannot be.</exception>
    public void RestoreState(IReadOnlyDictionary<string, byte[]> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach ((string name, byte[] saved) in state)
        {
            IStateful part = parts.FirstOrDefault(part => part.Name == name).Part ?? throw new SnapshotException($"This machine has no part '{name}'.");
            StateTransfer restoring = new(saved);
            restoring.Enter(name, 0, saved.Length);
            part.Transfer(restoring);
            restoring.Leave();
        }
    }

    (byte[] State, SnapshotPart[] Parts) SaveParts()
    {
        StateTransfer saving = new();
        SnapshotPart[] where = new SnapshotPart[parts.Count];
        for (int i = 0; i < where.Length; i++)
        {
            int offset = saving.Length;
            saving.PartName = parts[i].Name;
            parts[i].Part.Transfer(saving);
            where[i] = new SnapshotPart(parts[i].Name, offset, saving.Length - offset);
        }
        return (saving.Saved.ToArray(), where);
    }

    void RestoreParts(byte[] state, SnapshotPart[] where)
    {
        StateTransfer restoring = new(state);
        for (int i = 0; i < where.Length; i++)
        {
            restoring.Enter(where[i].Name, where[i].Offset, where[i].Length);
            parts[i].Part.Transfer(restoring);
            restoring.Leave();
        }
    }

    /// <summary>With values that come from elsewhere: if some cannot be, all is as it was.</summary>
    void RestoreChecked(MachineSnapshot snapshot)
    {
        (byte[] state, SnapshotPart[] where) = SaveParts();
        try
        {
            RestoreParts(snapshot.State, snapshot.Parts);
        }
        catch (SnapshotException)
        {
            RestoreParts(state, where);
            throw;
        }
    }

    void CheckParts(MachineSnapshot snapshot)
    {
        for (int i = 0; i < Math.Max(parts.Count, snapshot.Parts.Length); i++)
        {
            string? here = i < parts.Count ? parts[i].Name : null, there = i < snapshot.Parts.Length ? snapshot.Parts[i].Name : null;
            if (here != there)
            {
                throw new SnapshotException(here == null ? $"The snapshot is of another machine: this one has no part '{there}'."
                    : there == null ? $"The snapshot is of another machine: it has no part '{here}'."
                    : $"The snapshot is of another machine: it has a part '{there}' where this one has '{here}'.");
            }
        }
    }
}
