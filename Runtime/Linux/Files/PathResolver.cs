using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>
/// Walks a path inside the guest's root, one component at a time, as openat2 with RESOLVE_IN_ROOT does: every directory is opened relative to
/// the one before and without following links; links are expanded as text, from the guest's root when they are absolute; ".." goes back on
/// the walk's own stack and never asks the host. So nothing in the tree, and nobody who changes it meanwhile, leads out of it.
/// </summary>
sealed class PathResolver(HostFile root, Func<string, string, VirtualNode?> mounts)
{
    const int MaxLinks = 40, MaxName = 255;

    /// <summary>Resolves a path.</summary>
    /// <param name="start">Where a relative path starts.</param>
    /// <param name="path">The path; not empty.</param>
    /// <param name="followLast">Whether a link at the end is followed.</param>
    /// <param name="error">A negated error number when the result is null.</param>
    public Location? Resolve(GuestDirectory start, string path, bool followLast, out long error)
    {
        Walk walk = new(root, mounts);
        Location? result = walk.Run(start, path, followLast, out error);
        if (result == null)
        {
            walk.Close();
        }

        return result;
    }

    /// <summary>One step of the stack from the root to the current directory.</summary>
    struct Level
    {
        public string Name;
        public HostFile? Host;
        public VirtualDirectory? Virtual;
    }

    sealed class Walk(HostFile root, Func<string, string, VirtualNode?> mounts)
    {
        readonly List<Level> _levels = [new Level { Name = "", Host = root }];
        readonly List<HostFile> _owned = [];
        readonly Stack<string> _names = new();
        int _links;

        public void Close()
        {
            foreach (HostFile file in _owned)
            {
                file.Dispose();
            }
        }

        public Location? Run(GuestDirectory start, string path, bool followLast, out long error)
        {
            if (path.Length == 0)
            {
                error = -Errno.ENOENT;
                return null;
            }

            if (path[0] != '/' && (error = Enter(start)) < 0)
            {
                return null;
            }

            Push(path);
            while (_names.TryPop(out string? name))
            {
                if (name is "" or ".")
                {
                    continue;
                }

                if (name == "..")
                {
                    if (_levels.Count > 1)
                    {
                        _levels.RemoveAt(_levels.Count - 1);
                    }

                    continue;
                }

                if (name.Length > MaxName)
                {
                    error = -Errno.ENAMETOOLONG;
                    return null;
                }

                bool isLast = _names.All(rest => rest.Length == 0);
                bool trailingSlash = isLast && _names.Count > 0;
                if (isLast)
                {
                    _names.Clear();
                    if (End(name, trailingSlash, followLast || trailingSlash, out Location? result, out error))
                    {
                        return result;
                    }
                }
                else if ((error = Descend(name)) < 0)
                {
                    return null;
                }
            }

            error = 0;
            Level current = _levels[^1];
            HostFile? directory = HostOf(_levels.Count - 1, out error);
            return error < 0 ? null : new Location(directory, ".", CurrentPath, current.Virtual, false, _owned);
        }

        string CurrentPath => _levels.Count == 1 ? "/" : string.Join('/', _levels.Select(level => level.Name));

        string PathOf(string name) => _levels.Count == 1 ? "/" + name : CurrentPath + "/" + name;

        /// <summary>The last component. False: it was a link, the walk goes on.</summary>
        bool End(string name, bool trailingSlash, bool follow, out Location? result, out long error)
        {
            result = null;
            VirtualNode? node = Mounted(name, out error);
            if (error < 0)
            {
                return true;
            }

            if (node is VirtualLink link && follow && !link.IsMagic)
            {
                return !Expand(link.Target, trailingSlash, out error);
            }

            HostFile? directory = null;
            if (node == null)
            {
                directory = HostOf(_levels.Count - 1, out error);
                if (directory == null)
                {
                    return true;
                }

                if (follow && HostCalls.ReadLink(directory, name, out _) is { } target)
                {
                    return !Expand(target, trailingSlash, out error);
                }
            }

            result = new Location(directory, name, PathOf(name), node, trailingSlash, _owned);
            error = 0;
            if (trailingSlash && result.Stat(out HostStatx stat) >= 0 && stat.Kind != FileKind.Directory)
            {
                error = -Errno.ENOTDIR;
                result = null;
            }

            return true;
        }

        /// <summary>A component that is not the last: it has to be a directory, or a link to one.</summary>
        long Descend(string name)
        {
            VirtualNode? node = Mounted(name, out long error);
            switch (node)
            {
                case VirtualDirectory directory:
                    _levels.Add(new Level { Name = name, Virtual = directory });
                    return 0;
                case VirtualLink link:
                    return Expand(link.Target, false, out error) ? 0 : error;
                case not null:
                    return -Errno.ENOTDIR;
            }

            if (error < 0)
            {
                return error;
            }

            HostFile? parent = HostOf(_levels.Count - 1, out error);
            if (parent == null)
            {
                return error;
            }

            HostFile? opened = HostCalls.OpenAt(parent, name, OpenFlags.Path | OpenFlags.Directory, 0, out error);
            if (opened != null)
            {
                _owned.Add(opened);
                _levels.Add(new Level { Name = name, Host = opened });
                return 0;
            }

            if (error is -Errno.ENOTDIR or -Errno.ELOOP && HostCalls.ReadLink(parent, name, out _) is { } target)
            {
                return Expand(target, false, out error) ? 0 : error;
            }

            return error;
        }

        bool Expand(string target, bool trailingSlash, out long error)
        {
            error = ++_links > MaxLinks ? -Errno.ELOOP : target.Length == 0 ? -Errno.ENOENT : 0;
            if (error < 0)
            {
                return false;
            }

            if (target[0] == '/')
            {
                _levels.RemoveRange(1, _levels.Count - 1);
            }

            if (trailingSlash)
            {
                _names.Push("");
            }

            Push(target);
            return true;
        }

        void Push(string path)
        {
            string[] parts = path.Split('/');
            for (int i = parts.Length - 1; i >= 0; i--)
            {
                _names.Push(parts[i]);
            }
        }

        /// <summary>Puts the stack where a relative path starts; directories on the way are opened only when ".." needs them.</summary>
        long Enter(GuestDirectory start)
        {
            foreach (string name in start.Path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                VirtualNode? node = Mounted(name, out _);
                _levels.Add(new Level { Name = name, Virtual = node as VirtualDirectory });
            }

            if (_levels.Count > 1)
            {
                _levels[^1] = _levels[^1] with { Host = start.Host, Virtual = start.Virtual };
            }

            return 0;
        }

        VirtualNode? Mounted(string name, out long error)
        {
            error = 0;
            if (_levels[^1].Virtual is { } directory)
            {
                VirtualNode? node = directory.Find(name);
                error = node == null ? -Errno.ENOENT : 0;
                return node;
            }

            return _levels.Count <= 2 ? mounts(CurrentPath, name) : null;
        }

        HostFile? HostOf(int index, out long error)
        {
            error = 0;
            Level level = _levels[index];
            if (level.Host != null || level.Virtual != null)
            {
                return level.Host;
            }

            HostFile? parent = HostOf(index - 1, out error);
            if (parent == null)
            {
                error = error < 0 ? error : -Errno.ENOENT;
                return null;
            }

            HostFile? opened = HostCalls.OpenAt(parent, level.Name, OpenFlags.Path | OpenFlags.Directory, 0, out error);
            if (opened != null)
            {
                _owned.Add(opened);
                _levels[index] = level with { Host = opened };
            }

            return opened;
        }
    }
}
