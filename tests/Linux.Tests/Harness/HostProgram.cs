using System.Diagnostics;

namespace FastVcpu.Tests.Harness;

/// <summary>Runs the same program on the host, with files as standard streams too: some programs ask what these are.</summary>
static class HostProgram
{
    public static GuestResult Run(string input, string program, params string[] arguments)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["in"], input);

        // .NET ignores SIGPIPE, and its children inherit that.
        const string script = "cd / && f=$1 && shift && exec \"$@\" < $f/in > $f/out 2> $f/err";
        ProcessStartInfo start = new("/usr/bin/env", ["--default-signal=PIPE", "/bin/sh", "-c", script, "sh", folder.Path, program, .. arguments]);
        start.Environment.Clear();
        foreach (string variable in Guest.Environment)
        {
            string[] parts = variable.Split('=', 2);
            start.Environment[parts[0]] = parts[1];
        }

        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return new GuestResult(process.ExitCode, File.ReadAllText(folder["out"]), File.ReadAllText(folder["err"]));
    }
}
