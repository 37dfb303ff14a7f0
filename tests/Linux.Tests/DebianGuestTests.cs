namespace FastVcpu.Tests;

/// <summary>Debian's busybox-static and dash in their amd64 and i386 builds, in a root of their own. The host does the same by its own tools.</summary>
public class DebianGuestTests
{
    [Theory]
    [InlineData("amd64")]
    [InlineData("i386")]
    public void StaticProgramsPrintWhatTheHostPrints(string architecture)
    {
        if (GuestPrograms.Root(architecture) is not { } root)
        {
            return;
        }

        string busybox = Path.Combine(root, "bin", "busybox");
        foreach (string[] arguments in (string[][])
            [
                ["sha256sum", "/bin/ls"],
                ["sh", "-c", "for i in 1 2 3; do echo $i; done | sort -r"],
                ["sh", "-c", "echo $(seq 1 5) | awk '{ for (i = 1; i <= NF; i++) s += $i * 1.5; print s, sqrt(2) }'"],
                ["sh", "-c", "trap 'echo caught' USR1; kill -USR1 $$; (exit 3); echo $?"],
                ["sh", "-c", "gzip -c /bin/cat | gunzip | md5sum"],
                ["sh", "-c", "cat /etc/passwd | cut -d: -f1 | tr a-z A-Z | tail -n 2"],
                ["sh", "-c", "kill -ABRT $$"],
                ["ls", "-l", "/usr"],
            ])
        {
            // The host has a kernel for i386 programs almost everywhere; where not, its amd64 build gives the same output.
            GuestResult expected = HostProgram.Run("", Path.Combine(GuestPrograms.Root("amd64")!, "bin", "busybox"), arguments);
            GuestResult actual = Guest.Run(busybox, arguments);
            Assert.Equal((expected.ExitCode, expected.Output, expected.Error), (actual.ExitCode, actual.Output, actual.Error));
        }
    }

    [Theory]
    [InlineData("amd64")]
    [InlineData("i386")]
    public void DynamicProgramsRunInTheirOwnRoot(string architecture)
    {
        if (GuestPrograms.Root(architecture) is not { } root)
        {
            return;
        }

        LinuxOptions options = new() { Root = root };
        GuestResult result = Guest.Run(options, "/bin/dash", "-c", "echo $((6 * 7)); echo one two | while read a b; do echo $b; done; echo /b*; /bin/busybox uname -m");
        string machine = architecture == "i386" ? "i686" : "x86_64";
        Assert.Equal((0, $"42\ntwo\n/bin\n{machine}\n", ""), (result.ExitCode, result.Output, result.Error));
    }
}
