using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastVcpu.Bench.Running;

/// <summary>Counts host instructions that this thread retires in user mode, where the host has such a counter (Linux, <c>perf_event_open</c>). Virtual machines often have none.</summary>
sealed partial class InstructionCounter : IDisposable
{
    const int AttributeSize = 112, SizeOffset = 4, ConfigOffset = 8, FlagsOffset = 40;
    const ulong InstructionsRetired = 1, ExcludeKernel = 1 << 5, ExcludeHypervisor = 1 << 6;
    const int ThisThread = 0, AnyCpu = -1, NoGroup = -1;

    readonly int descriptor;

    InstructionCounter(int descriptor) => this.descriptor = descriptor;

    /// <summary>Begins to count, or returns null where that is not possible.</summary>
    public static InstructionCounter? Open()
    {
        long number = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 298, Architecture.Arm64 => 241, _ => -1 };
        if (!OperatingSystem.IsLinux() || number < 0)
        {
            return null;
        }
        byte[] attribute = new byte[AttributeSize];
        BinaryPrimitives.WriteInt32LittleEndian(attribute.AsSpan(SizeOffset), AttributeSize);
        BinaryPrimitives.WriteUInt64LittleEndian(attribute.AsSpan(ConfigOffset), InstructionsRetired);
        BinaryPrimitives.WriteUInt64LittleEndian(attribute.AsSpan(FlagsOffset), ExcludeKernel | ExcludeHypervisor);
        int descriptor = (int)SystemCall((nint)number, attribute, ThisThread, AnyCpu, NoGroup, 0);
        return descriptor >= 0 ? new InstructionCounter(descriptor) : null;
    }

    /// <summary>Instructions since the counter was opened.</summary>
    public long Read()
    {
        byte[] value = new byte[sizeof(long)];
        return Read(descriptor, value, value.Length) == value.Length ? BinaryPrimitives.ReadInt64LittleEndian(value) : 0;
    }

    public void Dispose() => _ = Close(descriptor);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, byte[] attribute, nint process, nint cpu, nint group, nint flags);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int descriptor, byte[] buffer, nint count);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
