using System.Diagnostics;

namespace FastVcpu.Cli.Booting;

/// <summary>The terminal at standard input, with every key for the guest: no echo, no lines, no signals. Where there is no stty, it stays as it is.</summary>
sealed class Terminal : IDisposable
{
    readonly string? saved = Stty("-g");

    public Terminal()
    {
        if (saved != null)
        {
            Stty("raw -echo opost");
        }
    }

    public void Dispose()
    {
        if (saved != null)
        {
            Stty(saved);
        }
    }

    static string? Stty(string arguments)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo("stty", arguments) { RedirectStandardOutput = true });
            string? output = process?.StandardOutput.ReadToEnd().Trim();
            process?.WaitForExit();
            return process?.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
