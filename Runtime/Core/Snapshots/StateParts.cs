using System.Security.Cryptography;
using System.Text;

namespace FastVcpu.Snapshots;

/// <summary>The parts of a machine or program that have state besides memory, by name and in a fixed order.</summary>
sealed class StateParts
{
    readonly List<(string Name, IStateful Part)> parts = [];

    /// <summary>Adds a part.</summary>
    /// <exception cref="ArgumentException">The name is taken, or empty.</exception>
    public void Add(string name, IStateful part)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(part);
        if (Find(name) != null)
        {
            throw new ArgumentException($"There is a part '{name}' already.", nameof(name));
        }
        parts.Add((name, part));
    }

    /// <summary>The part of a name, or null.</summary>
    public IStateful? Find(string name) => parts.FirstOrDefault(part => part.Name == name).Part;

    /// <summary>The state of all parts, and where in it which of them is.</summary>
    public (byte[] State, SnapshotPart[] Parts) Save()
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

    /// <summary>Restores all parts. With values that come from elsewhere: if some cannot be, all is as it was.</summary>
    /// <exception cref="SnapshotException">A value cannot be.</exception>
    public void Restore(MachineSnapshot snapshot, bool isOwn)
    {
        if (isOwn)
        {
            Restore(snapshot.State, snapshot.Parts);
            return;
        }
        (byte[] state, SnapshotPart[] where) = Save();
        try
        {
            Restore(snapshot.State, snapshot.Parts);
        }
        catch (SnapshotException)
        {
            Restore(state, where);
            throw;
        }
    }

    /// <summary>Refuses a snapshot with other parts.</summary>
    /// <exception cref="SnapshotException">It has other parts.</exception>
    public void Check(MachineSnapshot snapshot)
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

    /// <summary>Adds names and state to a hash.</summary>
    public void AppendTo(IncrementalHash hash)
    {
        (byte[] state, SnapshotPart[] where) = Save();
        foreach (SnapshotPart part in where)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{part.Name} {part.Length}\n"));
            hash.AppendData(state.AsSpan(part.Offset, part.Length));
        }
    }

    void Restore(byte[] state, SnapshotPart[] where)
    {
        StateTransfer restoring = new(state);
        for (int i = 0; i < where.Length; i++)
        {
            restoring.Enter(where[i].Name, where[i].Offset, where[i].Length);
            parts[i].Part.Transfer(restoring);
            restoring.Leave();
        }
    }
}
