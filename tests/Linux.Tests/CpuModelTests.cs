using System.Runtime.Intrinsics.X86;
using Xunit.Abstractions;

namespace FastVcpu.Tests;

/// <summary>Programs of the host on the three levels of the x86-64 psABI: other code runs – glibc and OpenSSL ask CPUID – and the output is the same.</summary>
public sealed class CpuModelTests(ITestOutputHelper output)
{
    const string Loader = "/lib64/ld-linux-x86-64.so.2";

    /// <summary>Tells which memcpy the C library has chosen: how far from its base it is, and whether it uses registers of 256 bits (VMOVDQU).</summary>
    const string WhichMemcpy = """
        import ctypes
        f = ctypes.cast(ctypes.CDLL(None).memmove, ctypes.c_void_p).value
        base = min(int(l.split('-')[0], 16) for l in open('/proc/self/maps') if 'libc.so.6' in l)
        print('%x' % (f - base), b'\xc5\xfe\x6f' in ctypes.string_at(f, 256))
        """;

    static readonly string[] Levels = ["x86-64", "x86-64-v2", "x86-64-v3"];

    public static TheoryData<string> Models => [.. Levels];

    static readonly string[][] Commands =
    [
        ["/usr/bin/busybox", "sh", "-c", "seq 1 200 | sha256sum; seq 1 200 | awk '{ s += sqrt($1) } END { print s }'; seq 1 99 | gzip | gunzip | md5sum"],
        ["/usr/bin/gzip", "-9", "-c", "/etc/services"],
        ["/usr/bin/sha256sum", "/bin/ls"],
        ["/usr/bin/openssl", "dgst", "-sha256", "/bin/ls"],
        ["/bin/sh", "-c", "openssl enc -aes-256-ctr -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 0 -in /bin/ls 2> /dev/null | openssl sha1"],
        ["/bin/sh", "-c", "openssl enc -chacha20 -K 00112233445566778899aabbccddeeff -iv 1 -in /bin/ls 2> /dev/null | openssl md5"],
        ["/bin/sh", "-c", "echo 'scale=60; 4*a(1); e(1); l(10); sqrt(2)' | bc -l"],
        ["/usr/bin/gawk", "BEGIN { srand(7); for (i = 0; i < 500; i++) s += sin(i) * exp(-i / 50) * log(i + 1); printf \"%.17g %.6f %s\\n\", s, atan2(1, 2), toupper(\"words\") }"],
        ["/usr/bin/perl", "-e", "my $t = join ' ', map { sprintf '%.15g', sqrt($_) ** 1.5 } 1..60; $t =~ s/(\\d)\\.(\\d)/$2.$1/g; print length($t), ' ', unpack('%32C*', $t), \"\\n\""],
        ["/usr/bin/sort", "-k2", "/etc/services"],
        ["/usr/bin/grep", "-c", "-E", "^[a-z]+.*(tcp|udp)$", "/etc/services"],
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void ProgramsPrintWhatTheyPrintOnTheHost(string model)
    {
        LinuxOptions options = new() { CpuModel = CpuModel.Find(model)! };
        foreach (string[] command in Commands.Where(IsThere).Where(_ => HasTheArithmeticOf(model)))
        {
            GuestResult expected = OnHost(model, command), actual = Guest.Run(options, command[0], command[1..]);
            Assert.Equal((expected.ExitCode, expected.Output, expected.Error), (actual.ExitCode, actual.Output, actual.Error));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void PythonPrintsWhatItPrintsOnTheHost(string model)
    {
        const string script = """
            import hashlib, json, math, re, random, struct, zlib
            random.seed(3)
            values = [random.gauss(0, 1) for _ in range(300)]
            print(math.fsum(values), sum(map(math.sin, values)), json.dumps({'a': [1.5, None, 'x' * 40]}))
            data = struct.pack('300d', *values)
            print(hashlib.sha256(data).hexdigest(), hashlib.blake2b(data).hexdigest(), zlib.crc32(data), len(zlib.compress(b'abc' * 999)))
            print(re.sub(r'(\w+) (\w+)', r'\2 \1', 'one two three four'), 3 ** 400 % 1000007, math.fma(2.0, 3.0, 1.0) if hasattr(math, 'fma') else 7.0)
            """;
        if (Python() is { } python && HasTheArithmeticOf(model))
        {
            GuestResult expected = OnHost(model, python, "-c", script), actual = Guest.Run(new LinuxOptions { CpuModel = CpuModel.Find(model)! }, python, "-c", script);
            Assert.Equal((expected.ExitCode, expected.Output), (actual.ExitCode, actual.Output));
        }
    }

    [Theory]
    [InlineData("x86-64", false, false)]
    [InlineData("x86-64-v2", true, false)]
    [InlineData("x86-64-v3", true, true)]
    public void TheLoaderSearchesTheFoldersOfTheModel(string model, bool second, bool third)
    {
        if (IsThere([Loader]))
        {
            string text = Guest.Run(new LinuxOptions { CpuModel = CpuModel.Find(model)! }, Loader, "--help").Output;
            Assert.Contains("x86-64-v2", text);
            Assert.Equal(second, text.Contains("x86-64-v2 (supported, searched)", StringComparison.Ordinal));
            Assert.Equal(third, text.Contains("x86-64-v3 (supported, searched)", StringComparison.Ordinal));
            Assert.DoesNotContain("x86-64-v4 (supported", text);
        }
    }

    [Fact]
    public void TheLibraryChoosesOtherCodeOnOtherModels()
    {
        if (Python() is { } python)
        {
            string[] chosen = [.. Levels.Select(level => Guest.Run(new LinuxOptions { CpuModel = CpuModel.Find(level)! }, python, "-c", WhichMemcpy).Output.Trim())];
            Assert.Equal(3, chosen.Distinct().Count());
            Assert.Equal([false, false, true], chosen.Select(text => text.EndsWith("True", StringComparison.Ordinal)));
        }
    }

    /// <summary>The mathematical functions of glibc have other last digits with FMA; the host is told not to use what the model does not have.</summary>
    static GuestResult OnHost(string model, params string[] command)
    {
        string[] without = HasFma(model) ? [] : ["GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA"];
        return HostProgram.Run("", "/usr/bin/env", [.. without, .. command]);
    }

    static bool HasFma(string model) => CpuModel.Find(model)!.Has(CpuFeature.Fma);

    bool HasTheArithmeticOf(string model)
    {
        bool has = !HasFma(model) || Fma.IsSupported;
        if (!has)
        {
            output.WriteLine("The host has no FMA to compare with: not run.");
        }
        return has;
    }

    string? Python() => IsThere(["/usr/bin/python3"]) ? "/usr/bin/python3" : null;

    bool IsThere(string[] command)
    {
        bool exists = File.Exists(command[0]);
        if (!exists)
        {
            output.WriteLine($"{command[0]} is not there: not run.");
        }
        return exists;
    }
}
