using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Fuzzing;

/// <summary>
/// The other side of afl-fuzz's fork server, without a fork: every input is run in this process, from the harness's snapshot. Inputs come, and coverage goes, through
/// memory that is shared with afl-fuzz.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe partial class AflServer : IDisposable
{
    /// <summary>Coverage map of afl-fuzz, in bytes.</summary>
    public const int MapSize = 1 << 16;

    // Of AFL++'s types.h and config.h.
    const int ControlDescriptor = 198, StatusDescriptor = 199;
    const uint Enabled = 0x80000001, HasMapSize = 0x40000000, TakesSharedInput = 0x01000000, HasCompareMap = 0x02000000;
    const int SegmentationViolation = 11, Killed = 9;
    const int SignalAtParentsDeath = 1;

    readonly byte* map;
    readonly byte* input;
    readonly FileStream control = Open(ControlDescriptor, FileAccess.Read), status = Open(StatusDescriptor, FileAccess.Write);
    Process? standIn;

    AflServer(nint map, nint input, nint comparisons)
    {
        this.map = (byte*)map;
        this.input = (byte*)input;
        Coverage = new CoverageMap(map, MapSize) { RecordsBlocks = false };
        Comparisons = comparisons == 0 ? null : new AflCompareMap((byte*)comparisons);
    }

    /// <summary>Coverage in the memory that afl-fuzz looks at.</summary>
    public CoverageMap Coverage { get; }

    /// <summary>
    /// Where afl-fuzz wants comparisons; null in the process that runs most of its inputs. With -c it starts a second one, which is told by this apart, for those whose comparisons it looks at.
    /// </summary>
    public ComparisonSink? Comparisons { get; }

    /// <summary>The server, if afl-fuzz has started this process; otherwise null.</summary>
    /// <exception cref="NotSupportedException">It is an afl-fuzz of a version whose memory looks different.</exception>
    public static AflServer? TryConnect()
    {
        nint map = Attach("__AFL_SHM_ID", size => size >= MapSize);
        if (map == 0)
        {
            return null;
        }
        // An afl-fuzz that is killed leaves no trace in the pipes when another server of its has them too, and does not end the stand-in of a run that takes too long.
        Control(SignalAtParentsDeath, Killed, 0, 0, 0);
        return new AflServer(
            map,
            Attach("__AFL_SHM_FUZZ_ID", size => size > sizeof(uint)),
            Environment.GetEnvironmentVariable("___AFL_EINS_ZWEI_POLIZEI___") == null ? 0 : Attach("__AFL_CMPLOG_SHM_ID", size => size == AflCompareMap.Size));
    }

    /// <summary>Runs what afl-fuzz asks for until it goes away.</summary>
    /// <param name="harness">Runs the target. Its CPU has <see cref="Coverage"/> and <see cref="Comparisons"/>.</param>
    public void Serve(Harness harness)
    {
        ArgumentNullException.ThrowIfNull(harness);
        Write(Enabled | HasMapSize | HasCompareMap | (input != null ? TakesSharedInput : 0) | (MapSize - 1) << 1);
        bool isInputShared = input != null && TryRead(out uint answer) && (answer & TakesSharedInput) != 0;
        while (TryRead(out _))
        {
            // afl-fuzz kills the process of an input that takes too long. That must not be this one, but one that ends with it.
            if (standIn is not { HasExited: false })
            {
                standIn?.Dispose();
                standIn = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true })!;
            }
            Write((uint)standIn.Id);
            FuzzResult result = harness.Run(isInputShared ? new ReadOnlySpan<byte>(input + sizeof(uint), *(int*)input) : File.ReadAllBytes("/dev/stdin"));
            map[0] = 1;
            if (result.Outcome == FuzzOutcome.Hang)
            {
                standIn.WaitForExit();
            }
            Write(result.Outcome switch { FuzzOutcome.Crash => SegmentationViolation, FuzzOutcome.Hang => Killed, _ => 0 });
        }
    }

    /// <summary>Ends the stand-in.</summary>
    public void Dispose()
    {
        if (standIn is { HasExited: false })
        {
            standIn.Kill();
        }
        standIn?.Dispose();
        Coverage.Dispose();
        control.Dispose();
        status.Dispose();
    }

    bool TryRead(out uint value)
    {
        value = 0;
        return control.ReadAtLeast(MemoryMarshal.AsBytes(new Span<uint>(ref value)), sizeof(uint), throwOnEndOfStream: false) == sizeof(uint);
    }

    void Write(uint value)
    {
        status.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(ref value)));
        status.Flush();
    }

    static FileStream Open(int descriptor, FileAccess access) => new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);

    /// <summary>Memory that afl-fuzz shares, or 0.</summary>
    static nint Attach(string variable, Predicate<ulong> hasSize)
    {
        const nint Failed = -1;
        const int Describe = 2, DescriptionSize = 256, SizeOffset = 48;
        byte* description = stackalloc byte[DescriptionSize];
        if (!int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int id) || AttachMemory(id, 0, 0) is var memory && memory == Failed
            || ControlMemory(id, Describe, description) != 0)
        {
            return 0;
        }

        ulong size = *(ulong*)(description + SizeOffset);
        return hasSize(size) ? memory : throw new NotSupportedException($"This afl-fuzz shares {size} bytes as {variable}, which is not known here; AFL++ 4.04 is.");
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport("libc", EntryPoint = "shmat")]
    private static partial nint AttachMemory(int id, nint address, int flags);

    [LibraryImport("libc", EntryPoint = "shmctl")]
    private static partial int ControlMemory(int id, int command, byte* description);
}
