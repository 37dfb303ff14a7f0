using System.Runtime.InteropServices;

namespace FastVcpu.Cli.KvmReplay;

/// <summary>The system calls and request numbers of the kernel's KVM (include/uapi/linux/kvm.h, x86-64).</summary>
static unsafe partial class KvmCalls
{
    public const string Device = "/dev/kvm";
    public const uint CreateVm = 0xAE01, CheckExtension = 0xAE03, GetVcpuMapSize = 0xAE04, CreateVcpu = 0xAE41, SetUserMemoryRegion = 0x4020AE46, SetTssAddress = 0xAE47;
    public const uint Run = 0xAE80, GetRegs = 0x8090AE81, SetRegs = 0x4090AE82, GetSregs = 0x8138AE83, SetSregs = 0x4138AE84, Interrupt = 0x4004AE86, Nmi = 0xAE9A;
    public const uint SetGuestDebug = 0x4048AE9B, GetVcpuEvents = 0x8040AE9F, SetVcpuEvents = 0x4040AEA0, GetDebugRegs = 0x8080AEA1, SetDebugRegs = 0x4080AEA2;
    public const int GuestDebugCapability = 195;
    public const int Interrupted = 4, Busy = 16, Exists = 17, Invalid = 22;

    const int ReadWrite = 2, CloseOnExec = 0x80000;

    /// <summary>Opens the device; negative when it cannot be opened.</summary>
    public static int Open() => Open(Device, ReadWrite | CloseOnExec);

    /// <summary>Memory of the process, or the shared page of a vCPU.</summary>
    public static byte* Map(nuint length, int file)
    {
        const int Protection = 3, Shared = 1, Anonymous = 0x20, Private = 2;
        void* address = mmap(null, length, Protection, file < 0 ? Private | Anonymous : Shared, file, 0);
        return (nint)address == -1 ? throw new InputException($"KVM: memory of {length} bytes cannot be mapped.") : (byte*)address;
    }

    /// <summary>A request that may fail: its result, or the negated error number.</summary>
    public static int Try(int file, uint request, void* argument)
    {
        int result = ioctl(file, request, argument);
        return result < 0 ? -Marshal.GetLastPInvokeError() : result;
    }

    /// <summary>A request that has to succeed.</summary>
    public static int Do(int file, uint request, void* argument)
    {
        int result = Try(file, request, argument);
        return result >= 0 ? result : throw new InputException($"KVM refused request {request:x}h with error {-result}.");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int file);
}
