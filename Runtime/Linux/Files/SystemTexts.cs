using System.Globalization;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Files;

/// <summary>Texts in /proc about the system.</summary>
static class SystemTexts
{
    /// <summary>/proc/cpuinfo: the one virtual CPU.</summary>
    public static string CpuInformation(CpuModel model) =>
        $"processor\t: 0\nvendor_id\t: FastVcpu\nmodel name\t: FastVcpu {model.Name}\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
        + $"fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\nflags\t\t: {CpuIdentification.Flags(model)}\nclflush size\t: 64\ncache_alignment\t: 64\n\n";

    /// <summary>/proc/meminfo.</summary>
    public static string MemoryInformation()
    {
        SystemInformation system = SystemInformation.Get();
        ulong available = system.FreeMemory + system.BufferMemory;
        return Line("MemTotal", system.TotalMemory) + Line("MemFree", system.FreeMemory) + Line("MemAvailable", available)
            + Line("Buffers", system.BufferMemory) + Line("Cached", 0) + Line("SwapTotal", system.TotalSwap) + Line("SwapFree", system.FreeSwap);
    }

    /// <summary>/proc/loadavg.</summary>
    public static string LoadAverage()
    {
        SystemInformation system = SystemInformation.Get();
        return string.Create(CultureInfo.InvariantCulture, $"{Load(system.Load1):F2} {Load(system.Load5):F2} {Load(system.Load15):F2} 1/1 1\n");
    }

    /// <summary>/proc/uptime.</summary>
    public static string Uptime() => string.Create(CultureInfo.InvariantCulture, $"{SystemInformation.Get().Uptime}.00 0.00\n");

    /// <summary>/proc/stat: one CPU.</summary>
    public static string Statistics()
    {
        long start = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - SystemInformation.Get().Uptime;
        return string.Create(CultureInfo.InvariantCulture, $"cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nbtime {start}\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n");
    }

    /// <summary>/proc/self/mounts.</summary>
    public static string Mounts(LinuxOptions options) => $"root / rootfs {(options.IsWritable ? "rw" : "ro")} 0 0\nproc /proc proc rw,nosuid,nodev,noexec 0 0\n";

    static string Line(string name, ulong bytes) => string.Create(CultureInfo.InvariantCulture, $"{name + ":",-16}{bytes >> 10,8} kB\n");

    static double Load(ulong value) => value / 65536.0;
}
