using System.Diagnostics;

namespace FastVcpu.Gdb.Tests;

/// <summary>The gdb of the host, driven by a script.</summary>
static class RealGdb
{
    public static bool IsInstalled { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "gdb")));

    /// <summary>Runs commands after connecting to a port; returns what gdb prints.</summary>
    public static string Run(int port, params string[] commands) => Run($"127.0.0.1:{port}", commands);

    /// <summary>Runs commands after connecting to a target.</summary>
    public static string Run(string target, params string[] commands)
    {
        ProcessStartInfo start = new("gdb") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[] { "-nx", "-batch", "-ex", "set confirm off", "-ex", "set pagination off", "-ex", $"set remotetimeout {Background.Patience.TotalSeconds}", "-ex", $"set tcp connect-timeout {Background.Patience.TotalSeconds}", "-ex", $"target remote {target}" })
        {
            start.ArgumentList.Add(argument);
        }
        foreach (string command in commands)
        {
            start.ArgumentList.Add("-ex");
            start.ArgumentList.Add(command);
        }
        using Process gdb = Process.Start(start)!;
        Task<string> output = gdb.StandardOutput.ReadToEndAsync(), errors = gdb.StandardError.ReadToEndAsync();
        if (!gdb.WaitForExit(Background.Patience))
        {
            gdb.Kill();
        }
        return output.Result + errors.Result;
    }
}
