using System.Security.Cryptography;
using FastVcpu.Memory;
using FastVcpu.Snapshots;

namespace FastVcpu;

/// <summary>The state of the whole machine: saved, restored, and as one number.</summary>
public sealed partial class VirtualMachine
{
    readonly StateParts parts = new();

    /// <summary>
    /// Makes a device a part of the machine's state: of snapshots and of <see cref="StateHash"/>. Clock, interrupt controllers and processors are that by themselves. Machines that
    /// are to take over each other's snapshots add parts of the same names in the same order.
    /// </summary>
    /// <param name="name">Names the part; no other has that name.</param>
    /// <param name="part">What has the state.</param>
    /// <exception cref="ArgumentException">The name is taken, or empty.</exception>
    public void AddState(string name, IStateful part)
    {
        parts.Add(name, part);
    }

    /// <summary>
    /// Copies the state of the whole machine. From now on pages that are written are recorded, so that going back to this snapshot costs as much as there are of them. No vCPU may
    /// be running. Not in it are settings of the embedder: debugging, routes of interrupts, what CPUID says, dirty logs.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public MachineSnapshot TakeSnapshot()
    {
        (byte[] state, SnapshotPart[] where) = parts.Save();
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
        if (snapshot.IsOfUserMode)
        {
            throw new SnapshotException("The snapshot is of a guest in user mode, not of a machine.");
        }
        parts.Check(snapshot);
        bool stands = Clock.IsPaused;
        if (!stands)
        {
            Clock.Pause();
        }
        try
        {
            parts.Restore(snapshot, isOwn: snapshot.Origin == this);
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
        parts.AppendTo(hash);
        memory.AppendTo(hash);
        return hash.GetHashAndReset();
    }

    /// <summary>The state of each part by itself, to find out in which of them two machines differ.</summary>
    public IReadOnlyDictionary<string, byte[]> SaveState()
    {
        (byte[] state, SnapshotPart[] where) = parts.Save();
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
            IStateful part = parts.Find(name) ?? throw new SnapshotException($"This machine has no part '{name}'.");
            StateTransfer restoring = new(saved);
            restoring.Enter(name, 0, saved.Length);
            part.Transfer(restoring);
            restoring.Leave();
        }
    }
}
