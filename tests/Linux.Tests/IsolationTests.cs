namespace FastVcpu.Tests;

/// <summary>A program sees only its root, and changes it only when it may.</summary>
public class IsolationTests
{
    const string Secret = "a secret of the host";

    [Theory]
    [InlineData("cat /up/secret")]
    [InlineData("cat /absolute")]
    [InlineData("cat ../secret")]
    [InlineData("cat ../../../../../../../../secret")]
    [InlineData("cat /dir/../../secret")]
    [InlineData("cat /dir/link/../secret")]
    [InlineData("cd /dir; cat ../../secret")]
    [InlineData("cat /proc/self/root/../secret")]
    [InlineData("cat /proc/self/cwd/../../secret")]
    [InlineData("cat /proc/1/root/secret")]
    [InlineData("cat /dev/fd/../../../../secret")]
    [InlineData("ln -s {outside}/secret /escape; cat /escape")]
    [InlineData("mv /dir /moved; cd /moved; cat ../../secret")]
    public void NothingLeadsOutOfTheRoot(string script)
    {
        using TemporaryFolder folder = new();
        if (Prepare(folder) is not { } root)
        {
            return;
        }

        LinuxOptions options = new() { Root = root, IsWritable = true };
        GuestResult result = Guest.Run(options, "/busybox", "sh", "-c", script.Replace("{outside}", folder.Path));
        Assert.DoesNotContain(Secret, result.Output);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(Secret, File.ReadAllText(folder["secret"]));
    }

    [Theory]
    [InlineData("echo x > /file")]
    [InlineData("echo x >> /existing")]
    [InlineData("rm /existing")]
    [InlineData("mkdir /new")]
    [InlineData("mv /existing /other")]
    [InlineData("chmod 700 /existing")]
    [InlineData("touch /existing")]
    [InlineData("ln -s a /b")]
    [InlineData("ln /existing /c")]
    [InlineData("truncate -s 0 /existing")]
    [InlineData("rmdir /empty")]
    public void AReadOnlyRootDoesNotChange(string script)
    {
        using TemporaryFolder folder = new();
        if (Prepare(folder) is not { } root)
        {
            return;
        }

        string before = Describe(root);
        GuestResult refused = Guest.Run(new LinuxOptions { Root = root }, "/busybox", "sh", "-c", script);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("Read-only file system", refused.Error);
        Assert.Equal(before, Describe(root));

        GuestResult allowed = Guest.Run(new LinuxOptions { Root = root, IsWritable = true }, "/busybox", "sh", "-c", script);
        Assert.Equal((0, ""), (allowed.ExitCode, allowed.Error));
    }

    [Fact]
    public void ProcTellsOfTheGuestOnly()
    {
        using TemporaryFolder folder = new();
        if (Prepare(folder) is not { } root)
        {
            return;
        }

        const string script = "readlink /proc/self/exe; readlink /proc/self/cwd; cat /proc/self/maps; ls /proc /proc/self; cat /proc/cpuinfo; tr '\\0' ' ' < /proc/self/cmdline";
        GuestResult result = Guest.Run(new LinuxOptions { Root = root }, "/busybox", "sh", "-c", script);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.StartsWith("/busybox\n/\n", result.Output);
        Assert.Contains("FastVcpu x86-64", result.Output);
        Assert.DoesNotContain(folder.Path, result.Output);
        Assert.DoesNotContain("dotnet", result.Output);
    }

    [Fact]
    public void HarmlessDevicesAreThereInEveryRoot()
    {
        using TemporaryFolder folder = new();
        if (Prepare(folder) is not { } root)
        {
            return;
        }

        GuestResult result = Guest.Run(
            new LinuxOptions { Root = root }, "/busybox", "sh", "-c", "echo gone > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo err > /dev/stderr");
        Assert.Equal((0, "4\n4\n", "err\n"), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public void WhatMayBeWrittenKeepsItsModeAndTimes()
    {
        const string script = """
            open my $null, '>', '/dev/null';
            open my $again, '>', '/proc/self/fd/1';
            for my $file ($null, *STDOUT, $again) {
                print chmod(0666, $file) ? "changed\n" : "$!\n", utime(undef, undef, $file) ? "changed\n" : "$!\n";
            }
            """;
        GuestResult result = Guest.Run("/usr/bin/perl", "-e", script);
        Assert.Equal((0, string.Concat(Enumerable.Repeat("Read-only file system\n", 6))), (result.ExitCode, result.Output));
    }

    /// <summary>A root with a busybox, links that try to get out, and a secret beside it.</summary>
    static string? Prepare(TemporaryFolder folder)
    {
        if (GuestPrograms.Root("amd64") is not { } programs)
        {
            return null;
        }

        File.WriteAllText(folder["secret"], Secret);
        string root = folder["root"];
        Directory.CreateDirectory(Path.Combine(root, "dir"));
        Directory.CreateDirectory(Path.Combine(root, "empty"));
        File.Copy(Path.Combine(programs, "bin", "busybox"), Path.Combine(root, "busybox"));
        File.WriteAllText(Path.Combine(root, "existing"), "text");
        File.CreateSymbolicLink(Path.Combine(root, "up"), "..");
        File.CreateSymbolicLink(Path.Combine(root, "absolute"), folder["secret"]);
        File.CreateSymbolicLink(Path.Combine(root, "dir", "link"), "../../../..");
        return root;
    }

    static string Describe(string root) => string.Join('\n', Directory.EnumerateFileSystemEntries(root).Order()
        .Select(path => $"{path} {File.GetUnixFileMode(path)} {File.GetLastWriteTimeUtc(path):O} {(File.Exists(path) ? new FileInfo(path).Length : 0)}"));
}
