using System.Diagnostics;

namespace FastVcpu.Machine.Tests.Boot;

/// <summary>The scripts in `tests` that fetch packages of Debian.</summary>
static class PackageScript
{
    /// <summary>Runs a script, unless what it brings is there already. False: it could not.</summary>
    public static bool Bring(string file, string script, params string[] arguments)
    {
        if (File.Exists(file))
        {
            return true;
        }
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }
        ProcessStartInfo start = new(Path.Combine(Repository.Root, "tests", script), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
