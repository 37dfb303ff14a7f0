using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>Where a path leads: a name in an open directory. Whether the name exists is up to the caller.</summary>
sealed class Location : IDisposable
{
    readonly List<HostFile> _owned;

    public Location(HostFile? directory, string name, string path, VirtualNode? node, bool mustBeDirectory, List<HostFile> owned)
    {
        Directory = directory;
        Name = name;
        Path = path;
        Node = node;
        MustBeDirectory = mustBeDirectory;
        _owned = owned;
    }

    /// <summary>The directory of the host that holds the name; null when the place is virtual.</summary>
    public HostFile? Directory { get; }

    /// <summary>The last component, or "." when the path names the directory itself.</summary>
    public string Name { get; }

    /// <summary>The whole path in the guest's file system, without links.</summary>
    public string Path { get; }

    /// <summary>The virtual file, or null for one of the host.</summary>
    public VirtualNode? Node { get; }

    /// <summary>The path ended with a slash.</summary>
    public bool MustBeDirectory { get; }

    /// <summary>What lstat says.</summary>
    public long Stat(out HostStatx stat)
    {
        if (Node != null)
        {
            return Node.Stat(Path, out stat);
        }

        return HostCalls.Stat(Directory!, Name, out stat);
    }

    public void Dispose()
    {
        foreach (HostFile file in _owned)
        {
            file.Dispose();
        }
    }
}
