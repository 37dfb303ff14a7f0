using System.Diagnostics;

namespace FastVcpu.Tests.Harness;

/// <summary>The Debian programs that tests/get-guests.sh fetches.</summary>
static class GuestPrograms
{
    const int NoApt = 3;

    static readonly Lazy<string?> Fetched = new(Fetch);

    /// <summary>The root with the programs of an architecture, or null where apt is not available.</summary>
    public static string? Root(string architecture) => Fetched.Value is { } root ? Path.Combine(root, architecture) : null;

    static string? Fetch()
    {
        string root = Path.Combine(Repository.Root, "artifacts", "guests");
        if (!Directory.Exists(Path.Combine(root, "i386")) || !Directory.Exists(Path.Combine(root, "amd64")))
        {
            using Process script = Process.Start(Path.Combine(Repository.Root, "tests", "get-guests.sh"));
            script.WaitForExit();
            if (script.ExitCode == NoApt)
            {
                return null;
            }

            Assert.True(script.ExitCode == 0, "The Debian guests are not there; run tests/get-guests.sh with a network.");
        }

        return root;
    }
}
