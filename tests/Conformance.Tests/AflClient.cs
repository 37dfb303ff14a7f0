using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>What afl-fuzz is to its targets: the other end of the fork server's pipes, and the owner of the shared memory.</summary>
[SupportedOSPlatform("linux")]
sealed unsafe partial class AflClient : IDisposable
{
    public const int MapSize = 1 << 16, Terminated = 15;
    const uint TakesSharedInput = 0x01000000;
    const int Private = 0, Create = 0x200, Remove = 0, MostInput = 1 << 20;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    readonly string folder = Directory.CreateTempSubdirectory().FullName;
    readonly int mapId, inputId, comparisonsId;
    readonly byte* map, input, comparisons;
    readonly int comparisonsSize;
    readonly Process server;
    readonly FileStream control, status;

    /// <summary>Starts a target and shakes hands.</summary>
    public AflClient(params string[] arguments)
        : this(0, arguments)
    {
    }

    /// <summary>Starts a target with a map for comparisons of so many bytes, as the option -c does, and shakes hands.</summary>
    public AflClient(int comparisonsSize, params string[] arguments)
    {
        this.comparisonsSize = comparisonsSize;
        (mapId, inputId) = (GetMemory(Private, MapSize, Create | 0x180), GetMemory(Private, MostInput + sizeof(int), Create | 0x180));
        map = (byte*)Attach(mapId, 0, 0);
        input = (byte*)Attach(inputId, 0, 0);
        string[] pipes = [Path.Combine(folder, "control"), Path.Combine(folder, "status")];
        Process.Start("mkfifo", pipes)!.WaitForExit();
        ProcessStartInfo start = new("bash", ["-c", "exec 198< \"$0\" 199> \"$1\"; shift; \"$@\" & wait $!", .. pipes, "dotnet", Path.Combine(AppContext.BaseDirectory, "FastVcpu.Cli.dll"), "afl", .. arguments]);
        start.Environment["__AFL_SHM_ID"] = $"{mapId}";
        start.Environment["__AFL_SHM_FUZZ_ID"] = $"{inputId}";
        if (comparisonsSize != 0)
        {
            comparisonsId = GetMemory(Private, comparisonsSize, Create | 0x180);
            comparisons = (byte*)Attach(comparisonsId, 0, 0);
            start.Environment["__AFL_CMPLOG_SHM_ID"] = $"{comparisonsId}";
            start.Environment["___AFL_EINS_ZWEI_POLIZEI___"] = "1";
        }
        server = Process.Start(start)!;
        control = new FileStream(pipes[0], FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        status = new FileStream(pipes[1], FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        try
        {
            Hello = Read();
        }
        catch (EndOfStreamException)
        {
            Dispose();
            throw;
        }
        Write(Hello & ~0x40000000u | TakesSharedInput);
    }

    /// <summary>What the target says it can do.</summary>
    public uint Hello { get; }

    public ReadOnlySpan<byte> Map => new(map, MapSize);

    /// <summary>The map of comparisons.</summary>
    public Span<byte> Comparisons => new(comparisons, comparisonsSize);

    /// <summary>Runs an input; the status is that of a process that has been waited for.</summary>
    public int Run(ReadOnlySpan<byte> bytes)
    {
        int child = Begin(bytes);
        Assert.NotEqual(0, child);
        return (int)Read();
    }

    /// <summary>Starts an input that takes too long, lets it be for a while and kills it.</summary>
    public int RunAndKill(ReadOnlySpan<byte> bytes)
    {
        int child = Begin(bytes);
        Task<uint> end = Task.Run(Read);
        Assert.False(end.Wait(300));
        Assert.Equal(0, Kill(child, Terminated));
        Assert.True(end.Wait(Patience));
        return (int)end.Result;
    }

    /// <summary>Starts an input that takes too long, and goes away by a signal. True: the target has ended too, and so has what it has given out as the process of that input.</summary>
    public bool BeginAndDie(ReadOnlySpan<byte> bytes)
    {
        int child = Begin(bytes);
        using Process standIn = Process.GetProcessById(child);
        server.Kill();
        // The other end of the pipe is closed when the target has ended.
        Task<int> end = Task.Run(status.ReadByte);
        return end.Wait(Patience) && end.Result < 0 && standIn.WaitForExit(Patience);
    }

    /// <summary>Goes away, as afl-fuzz does; the exit code of the target.</summary>
    public int Leave()
    {
        control.Dispose();
        Assert.True(server.WaitForExit(Patience));
        return server.ExitCode;
    }

    public void Dispose()
    {
        if (!server.HasExited)
        {
            server.Kill();
        }
        control.Dispose();
        status.Dispose();
        server.Dispose();
        Detach((nint)map);
        Detach((nint)input);
        ControlMemory(mapId, Remove, 0);
        ControlMemory(inputId, Remove, 0);
        if (comparisonsSize != 0)
        {
            Detach((nint)comparisons);
            ControlMemory(comparisonsId, Remove, 0);
        }
        Directory.Delete(folder, recursive: true);
    }

    int Begin(ReadOnlySpan<byte> bytes)
    {
        new Span<byte>(map, MapSize).Clear();
        *(int*)input = bytes.Length;
        bytes.CopyTo(new Span<byte>(input + sizeof(int), MostInput));
        Write(0);
        return (int)Read();
    }

    uint Read()
    {
        uint value = 0;
        status.ReadExactly(MemoryMarshal.AsBytes(new Span<uint>(ref value)));
        return value;
    }

    void Write(uint value) => control.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(ref value)));

    [LibraryImport("libc", EntryPoint = "shmget")]
    private static partial int GetMemory(int key, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "shmat")]
    private static partial nint Attach(int id, nint address, int flags);

    [LibraryImport("libc", EntryPoint = "shmdt")]
    private static partial int Detach(nint address);

    [LibraryImport("libc", EntryPoint = "shmctl")]
    private static partial int ControlMemory(int id, int command, nint buffer);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
