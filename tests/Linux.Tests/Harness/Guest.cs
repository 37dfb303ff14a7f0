namespace FastVcpu.Tests.Harness;

/// <summary>Runs programs on the virtual CPU, with files as standard streams.</summary>
static class Guest
{
    /// <summary>A small environment, the same for guest and host, so that outputs can be compared.</summary>
    public static readonly string[] Environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C", "LC_ALL=C", "HOME=/", "TZ=UTC"];

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program of the host's file system.</summary>
    public static GuestResult Run(string program, params string[] arguments) => Run(new LinuxOptions(), program, arguments);

    /// <summary>Runs a program.</summary>
    public static GuestResult Run(LinuxOptions options, string program, params string[] arguments) => RunWithInput(options, "", program, arguments);

    /// <summary>Runs a program with standard input.</summary>
    public static GuestResult RunWithInput(LinuxOptions options, string input, string program, params string[] arguments)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["in"], input);
        List<GuestCrash> crashes = [];
        StringWriter trace = new();
        LinuxExit exit;
        using (Microsoft.Win32.SafeHandles.SafeFileHandle
            standardInput = File.OpenHandle(folder["in"]),
            standardOutput = File.OpenHandle(folder["out"], FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite),
            standardError = File.OpenHandle(folder["err"], FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            using LinuxProcess process = new(program, options with
            {
                Arguments = arguments,
                Environment = options.Environment.Count > 0 ? options.Environment : Environment,
                StandardInput = standardInput,
                StandardOutput = standardOutput,
                StandardError = standardError,
                SystemCallTrace = trace,
                Crashed = crashes.Add,
            });
            using Timer timer = new(_ => process.Signal(9), null, Patience, Timeout.InfiniteTimeSpan);
            exit = process.Run();
        }

        return new GuestResult(exit.ShellCode, File.ReadAllText(folder["out"]), File.ReadAllText(folder["err"])) { Crashes = crashes, Trace = trace.ToString() };
    }
}
