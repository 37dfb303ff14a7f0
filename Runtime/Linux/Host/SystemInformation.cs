using System.Runtime.InteropServices;

namespace FastVcpu.Linux.Host;

/// <summary>struct sysinfo of a 64-bit host.</summary>
[StructLayout(LayoutKind.Sequential)]
struct SystemInformation
{
    const int NativeSize = 112;

    public long Uptime;
    public ulong Load1;
    public ulong Load5;
    public ulong Load15;
    public ulong TotalMemory;
    public ulong FreeMemory;
    public ulong SharedMemory;
    public ulong BufferMemory;
    public ulong TotalSwap;
    public ulong FreeSwap;
    public ushort Processes;
    public ulong TotalHigh;
    public ulong FreeHigh;
    public uint Unit;

    /// <summary>Asks the host; memory in bytes.</summary>
    public static SystemInformation Get()
    {
        Span<byte> buffer = stackalloc byte[NativeSize + 64];
        buffer.Clear();
        Libc.GetSystemInformation(buffer);
        SystemInformation result = MemoryMarshal.Read<SystemInformation>(buffer);
        ulong unit = Math.Max(1, result.Unit);
        result.TotalMemory *= unit;
        result.FreeMemory *= unit;
        result.SharedMemory *= unit;
        result.BufferMemory *= unit;
        result.TotalSwap *= unit;
        result.FreeSwap *= unit;
        return result;
    }
}
