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
    const uint Enabled = 0x80000001, HasMapSize = 0x40000000, TakesSharedInput = 0x01000000;
    const int SegmentationViolation = 11, Killed = 9;

    readonly byte* map;
    readonly byte* input;
    readonly FileStream control = Open(ControlDescriptor, FileAccess.Read), status = Open(StatusDescriptor, FileAccess.Write);
    Process? standIn;

    AflServer(nint map, nint input)
    {
        this.map = (byte*)map;
        this.input = (byte*)input;
        Coverage = new CoverageMap(map, MapSize);
    }

    /// <summary>Coverage in the memory that afl-fuzz looks at.</summary>
    public CoverageMap Coverage { get; }

    /// <summary>The server, if afl-fuzz has started this process; otherwise null.</summary>
    public static AflServer? TryConnect()
    {
        nint map = Attach("__AFL_SHM_ID");
        return map == 0 ? null : new AflServer(map, Attach("__AFL_SHM_FUZZ_ID"));
    }

    /// <summary>Runs what afl-fuzz asks for until it goes away.</summary>
    /// <param name="harness">Runs the target. Its CPU has <see cref="Coverage"/>.</param>
    public void Serve(Harness harness)
    {
        ArgumentNullException.ThrowIfNull(harness);
        Write(Enabled | HasMapSize | (input != null ? TakesSharedInput : 0) | (MapSize - 1) << 1);
        bool isInputShared = input != null && TryRead(out uint answer) && (answer & TakesSharedInput) != 0;
        while (TryRead(out _))
        {
            // afl-fuzz kills the process of an input that takes too long. That must not be this one.
            if (standIn is not { HasExited: false })
            {
                standIn?.Dispose();
                standIn = Process.Start("sleep", "infinity");
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

    static nint Attach(string variable)
    {
        const nint Failed = -1;
        return int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int id) && AttachMemory(id, 0, 0) is var memory and not Failed
            ? memory
            : 0;
    }

    [LibraryImport("libc", EntryPoint = "shmat")]
    private static partial nint AttachMemory(int id, nint address, int flags);
}
