using System.Globalization;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>/proc as a guest process sees it: the guest's processes, its CPU model, and of the host only what uname and sysinfo tell too.</summary>
sealed class ProcFileSystem(GuestProcess caller)
{
    static readonly string[] s_processFiles =
        ["auxv", "cmdline", "comm", "cwd", "exe", "fd", "maps", "mounts", "root", "stat", "statm", "status", "task"];

    static readonly string[] s_systemFiles =
        ["cpuinfo", "filesystems", "loadavg", "meminfo", "mounts", "self", "stat", "sys", "thread-self", "uptime", "version"];

    static readonly Dictionary<string, Func<LinuxSystem, string>> s_settings = new()
    {
        ["kernel/ostype"] = _ => SystemName.Of(0) + "\n",
        ["kernel/hostname"] = _ => SystemName.Of(1) + "\n",
        ["kernel/osrelease"] = _ => SystemName.Of(2) + "\n",
        ["kernel/version"] = _ => SystemName.Of(3) + "\n",
        ["kernel/pid_max"] = _ => "4194304\n",
        ["kernel/ngroups_max"] = _ => "65536\n",
        ["kernel/cap_last_cap"] = _ => "40\n",
        ["kernel/random/uuid"] = _ => Guid.NewGuid() + "\n",
        ["vm/overcommit_memory"] = _ => "0\n",
        ["vm/max_map_count"] = _ => "65530\n",
        ["fs/file-max"] = _ => "1048576\n",
    };

    public VirtualDirectory Root => new(Find, List);

    VirtualNode? Find(string name) => name switch
    {
        "self" => new VirtualLink(() => caller.Id.ToString(CultureInfo.InvariantCulture)),
        "thread-self" => new VirtualLink(() => $"{caller.Id}/task/{caller.Id}"),
        "mounts" => new VirtualLink(() => "self/mounts"),
        "cpuinfo" => Text(() => SystemTexts.CpuInformation(caller.System.Options.CpuModel)),
        "filesystems" => Text(() => "nodev\tproc\n\text4\n"),
        "loadavg" => Text(SystemTexts.LoadAverage),
        "meminfo" => Text(SystemTexts.MemoryInformation),
        "stat" => Text(SystemTexts.Statistics),
        "uptime" => Text(SystemTexts.Uptime),
        "version" => Text(() => $"{SystemName.Of(0)} version {SystemName.Of(2)} {SystemName.Of(3)}\n"),
        "sys" => Settings(""),
        _ => FindProcess(name) is { } process ? Process(process) : null,
    };

    IEnumerable<string> List()
    {
        List<string> names = [.. s_systemFiles];
        lock (caller.System.Lock)
        {
            names.AddRange(caller.System.Processes.Keys.Order().Select(id => id.ToString(CultureInfo.InvariantCulture)));
        }

        return names;
    }

    GuestProcess? FindProcess(string name)
    {
        if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
        {
            return null;
        }

        lock (caller.System.Lock)
        {
            return id == caller.Id ? caller : caller.System.Processes.GetValueOrDefault(id);
        }
    }

    VirtualDirectory Process(GuestProcess process) => new(name => FindFile(process, name), () => s_processFiles);

    VirtualNode? FindFile(GuestProcess process, string name) => name switch
    {
        "auxv" => new VirtualText(() => process.Program.AuxiliaryVector),
        "cmdline" => new VirtualText(() => process.Program.CommandLine),
        "comm" => Text(() => process.Name + "\n"),
        "cwd" => new VirtualLink(() => process.Files.WorkingDirectory.Path),
        "exe" => new VirtualLink(() => process.Program.Path),
        "fd" => Descriptors(process),
        "maps" => Text(() => ProcessTexts.Maps(process)),
        "mounts" => Text(() => SystemTexts.Mounts(caller.System.Options)),
        "root" => new VirtualLink(() => "/"),
        "stat" => Text(() => ProcessTexts.Stat(process)),
        "statm" => Text(() => ProcessTexts.MemoryStatistics(process)),
        "status" => Text(() => ProcessTexts.Status(process)),
        "task" => new VirtualDirectory(id => FindThread(process, id), () => ThreadIds(process)),
        _ => null,
    };

    VirtualDirectory? FindThread(GuestProcess process, string id) => ThreadIds(process).Contains(id) ? Process(process) : null;

    static List<string> ThreadIds(GuestProcess process)
    {
        lock (process.System.Lock)
        {
            return [.. process.Threads.Select(thread => thread.Id.ToString(CultureInfo.InvariantCulture))];
        }
    }

    static VirtualDirectory Descriptors(GuestProcess process) => new(
        name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor) && process.Descriptors[descriptor] is { } file
            ? new VirtualLink(() => file.Path, flags => Reopen(file, flags))
            : null,
        () => process.Descriptors.Open.Select(descriptor => descriptor.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Opens what a descriptor refers to once more, for no more than the descriptor allows.</summary>
    static (OpenFile? File, long Error) Reopen(OpenFile file, OpenFlags flags)
    {
        OpenFlags wanted = flags & OpenFlags.AccessMode;
        if (wanted != OpenFlags.ReadOnly && !file.IsWritable || wanted != OpenFlags.WriteOnly && !file.IsReadable)
        {
            return (null, -Errno.EACCES);
        }

        if (file.Host is not { } host)
        {
            return (file.AddReference(), 0);
        }

        HostFile? opened = HostCalls.Open(host.MagicPath, flags & ~(OpenFlags.Create | OpenFlags.NoFollow | OpenFlags.NonBlocking), out long error);
        HostOpenFile? known = file as HostOpenFile;
        int? stream = file.MayWait ? known?.Stream : null;
        return opened == null ? (null, error) : (new HostOpenFile(opened, file.Path, flags & (OpenFlags.AccessMode | OpenFlags.Changeable), stream, queue: known?.Queue, ends: known?.Ends), 0);
    }

    VirtualDirectory Settings(string prefix) => new(
        name =>
        {
            string path = prefix + name;
            if (s_settings.TryGetValue(path, out Func<LinuxSystem, string>? text))
            {
                return Text(() => text(caller.System));
            }

            return s_settings.Keys.Any(key => key.StartsWith(path + "/", StringComparison.Ordinal)) ? Settings(path + "/") : null;
        },
        () => s_settings.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..].Split('/')[0]).Distinct());

    static VirtualText Text(Func<string> text) => new(() => PathText.ToBytes(text()));
}
