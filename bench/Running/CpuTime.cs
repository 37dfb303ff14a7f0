using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastVcpu.Bench.Running;

/// <summary>A process that has ended: what it wrote, and the CPU time it took.</summary>
/// <param name="Output">Standard output.</param>
/// <param name="Seconds">User and system time. On a shared machine wall time says nothing.</param>
/// <param name="ExitCode">Exit code.</param>
/// <param name="Errors">Standard error.</param>
sealed record Finished(string Output, double Seconds, int ExitCode, string Errors = "");

/// <summary>Runs processes one at a time and takes their CPU time from the host's accounts of children that have been waited for.</summary>
static partial class CpuTime
{
    const int Children = -1;

    /// <summary>What runs longer hangs.</summary>
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(20);

    /// <summary>Runs a command to its end; what does not end is ended, with an exit code that is not 0.</summary>
    public static Finished Run(string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        ProcessStartInfo start = new(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        double before = OfChildren();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{file} does not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using Timer guard = new(_ => process.Kill(entireProcessTree: true), null, Longest, Timeout.InfiniteTimeSpan);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Finished(output.Length > 0 ? output : errors.Result, OfChildren() - before, process.ExitCode);
    }

    /// <summary>Runs a command with which somebody talks, who returns what it has said.</summary>
    public static Finished Talk(string file, IEnumerable<string> arguments, Func<Process, string> talk)
    {
        ProcessStartInfo start = new(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        double before = OfChildren();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{file} does not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = talk(process);
        process.WaitForExit();
        return new Finished(output, OfChildren() - before, process.ExitCode, errors.Result);
    }

    static double OfChildren()
    {
        GetResourceUsage(Children, out ResourceUsage usage);
        return usage.UserSeconds + usage.SystemSeconds + (usage.UserMicroseconds + usage.SystemMicroseconds) * 1e-6;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetResourceUsage(int who, out ResourceUsage usage);

    /// <summary>The beginning of <c>struct rusage</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    struct ResourceUsage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;
    }
}
