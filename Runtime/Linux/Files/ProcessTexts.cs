using System.Globalization;
using System.Text;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>Texts in /proc about a process.</summary>
static class ProcessTexts
{
    /// <summary>/proc/PID/maps.</summary>
    public static string Maps(GuestProcess process)
    {
        StringBuilder text = new();
        foreach (GuestMapping mapping in process.Memory.Mappings)
        {
            int start = text.Length;
            MemoryProtection protection = mapping.Protection;
            text.Append(CultureInfo.InvariantCulture, $"{mapping.Start:x8}-{mapping.End:x8} ");
            text.Append((protection & MemoryProtection.Read) != 0 ? 'r' : '-');
            text.Append((protection & MemoryProtection.Write) != 0 ? 'w' : '-');
            text.Append((protection & MemoryProtection.Execute) != 0 ? 'x' : '-');
            text.Append(mapping.Shared != null ? 's' : 'p');
            ulong offset = mapping.IsPrivateAnonymous ? 0 : mapping.Offset;
            text.Append(CultureInfo.InvariantCulture, $" {offset:x8} 00:00 {(mapping.Name.StartsWith('/') ? 1 : 0)} ");
            if (mapping.Name.Length > 0)
            {
                text.Append(' ', Math.Max(0, 73 - (text.Length - start))).Append(mapping.Name);
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>/proc/PID/stat.</summary>
    public static string Stat(GuestProcess process)
    {
        long ticks = process.Usage.EndedNanoseconds / 10_000_000;
        long start = process.Usage.StartNanoseconds / 10_000_000;
        ulong size = Size(process);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{process.Id} ({process.Name}) {State(process)} {process.Parent?.Id ?? 1} {process.Group} {process.Session} 0 {process.System.ForegroundGroup} 0 0 0 0 0 "
            + $"{ticks} 0 {process.Usage.ChildNanoseconds / 10_000_000} 0 20 0 {process.Threads.Count} 0 {start} {size} {size >> 12} 18446744073709551615 "
            + $"0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    }

    /// <summary>/proc/PID/statm.</summary>
    public static string MemoryStatistics(GuestProcess process)
    {
        ulong pages = Size(process) >> 12;
        return string.Create(CultureInfo.InvariantCulture, $"{pages} {pages} 0 0 0 {pages} 0\n");
    }

    /// <summary>/proc/PID/status.</summary>
    public static string Status(GuestProcess process)
    {
        uint user = Host.Libc.GetUser(), group = Host.Libc.GetGroup();
        ulong size = Size(process) >> 10;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Name:\t{process.Name}\nUmask:\t{Convert.ToString(process.Files.CreationMask, 8).PadLeft(4, '0')}\nState:\t{State(process)}\nTgid:\t{process.Id}\nPid:\t{process.Id}\n"
            + $"PPid:\t{process.Parent?.Id ?? 1}\nTracerPid:\t0\nUid:\t{user}\t{user}\t{user}\t{user}\nGid:\t{group}\t{group}\t{group}\t{group}\nFDSize:\t64\n"
            + $"VmPeak:\t{size,8} kB\nVmSize:\t{size,8} kB\nVmRSS:\t{size,8} kB\nThreads:\t{process.Threads.Count}\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n");
    }

    static char State(GuestProcess process) => process.IsZombie ? 'Z' : process.StopSignal != 0 ? 'T' : 'R';

    static ulong Size(GuestProcess process) => process.Memory.Mappings.Aggregate(0UL, (sum, mapping) => sum + mapping.Size);
}
