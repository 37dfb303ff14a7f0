namespace FastVcpu.Tests;

/// <summary>Programs of the host: what they print on the virtual CPU is what they print on the host.</summary>
public class HostProgramTests
{
    [Theory]
    [InlineData("/bin/ls", "-l", "/usr")]
    [InlineData("/bin/ls", "-la", "/etc")]
    [InlineData("/usr/bin/sha256sum", "/bin/ls")]
    [InlineData("/usr/bin/md5sum", "/bin/ls", "/bin/cat")]
    [InlineData("/usr/bin/sort", "-r", "/etc/passwd")]
    [InlineData("/bin/cat", "/etc/passwd")]
    [InlineData("/usr/bin/find", "/etc", "-maxdepth", "1", "-name", "p*")]
    [InlineData("/bin/grep", "-n", "root", "/etc/passwd")]
    [InlineData("/usr/bin/stat", "-c", "%n %s %f %U", "/bin/ls", "/etc", "/dev/null")]
    [InlineData("/usr/bin/env", "-i", "A=1", "/usr/bin/env")]
    [InlineData("/usr/bin/id", "-u")]
    [InlineData("/bin/ls", "/nowhere")]
    [InlineData("/usr/bin/printf", "%.6f %x %s\\n", "3.25", "255", "text")]
    [InlineData("/usr/bin/seq", "-s", " ", "1", "0.5", "10")]
    [InlineData("/bin/sed", "-n", "s/^\\([^:]*\\):.*$/<\\1>/p", "/etc/passwd")]
    [InlineData("/bin/tar", "-cf", "-", "/etc/passwd")]
    public void PrintsTheSame(string program, params string[] arguments) => Compare("", program, arguments);

    [Theory]
    [InlineData("/usr/bin/sort", "pear\napple\nfig\n")]
    [InlineData("/usr/bin/wc", "one two\nthree\n")]
    [InlineData("/usr/bin/tac", "1\n2\n3\n")]
    [InlineData("/usr/bin/sha1sum", "text")]
    public void ReadsStandardInput(string program, string input) => Compare(input, program);

    [Theory]
    [InlineData("for i in 1 2 3; do echo $i; done")]
    [InlineData("i=0; while [ $i -lt 200 ]; do i=$((i + 1)); done; echo $i")]
    [InlineData("seq 1 100 | sort -rn | head -3")]
    [InlineData("echo \"$(echo inner | tr a-z A-Z) and $(ls / | wc -l)\"")]
    [InlineData("cat <<END\nline one\nline $((1 + 1))\nEND")]
    [InlineData("cat <<< here | while read word; do echo got $word; done")]
    [InlineData("(exit 7); echo $?; false || echo second; true && echo third")]
    [InlineData("diff <(echo a) <(echo b); echo $?")]
    [InlineData("trap 'echo caught' USR1; kill -USR1 $$; echo after")]
    [InlineData("trap 'echo bye' EXIT; exit 3")]
    [InlineData("sleep 0.05 & wait $!; echo $?")]
    [InlineData("yes | head -2; echo ${PIPESTATUS[@]}")]
    [InlineData("a=(one two three); echo ${#a[@]} ${a[-1]^^}; [[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}")]
    [InlineData("printf '%s\\n' /etc/pass* | sed 's/^/>/'; type cd; echo $BASH_VERSION")]
    [InlineData("exec 3< /etc/passwd; read -u 3 line; echo $line; exec 3<&-")]
    [InlineData("kill -TERM $$; echo not reached")]
    [InlineData("exec 2> /dev/null; /bin/sh -c 'kill -KILL $$' 2> /dev/null; echo $?")]
    [InlineData("timeout 0.1 sleep 1000; echo $?")]
    [InlineData("coproc cat; echo hello >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x")]
    public void BashDoesTheSame(string script) => Compare("", "/bin/bash", "-c", script);

    [Fact]
    public void PerlIsTheSame() => Compare(
        "",
        "/usr/bin/perl",
        "-e",
        "my %h = map { $_ => $_ ** 2 } 1..5; print join(',', map { \"$_=$h{$_}\" } sort keys %h), \"\\n\"; "
        + "$SIG{ALRM} = sub { print \"alarm\\n\"; exit 4 }; alarm 1; sleep 1000;");

    static void Compare(string input, string program, params string[] arguments)
    {
        GuestResult expected = HostProgram.Run(input, program, arguments);
        GuestResult actual = Guest.RunWithInput(new LinuxOptions(), input, program, arguments);
        Assert.Equal(expected with { Trace = "" }, actual with { Trace = "", Crashes = expected.Crashes });
    }
}
