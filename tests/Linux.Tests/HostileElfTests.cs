using FastVcpu.Linux.Elf;

namespace FastVcpu.Tests;

/// <summary>Files that are no programs, or lie: one sentence, and nothing else happens.</summary>
public class HostileElfTests
{
    const int Mutations = 50_000, LoadedMutations = 300;

    [Theory]
    [InlineData("", "is not an ELF program")]
    [InlineData("text that is no program", "is not an ELF program")]
    [InlineData("\u007fELF", "ends within its ELF header")]
    public void OtherFilesAreRefused(string contents, string sentence)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("program", System.Text.Encoding.Latin1.GetBytes(contents));
        LinuxLoadException error = Assert.Throws<LinuxLoadException>(() => Load(path));
        Assert.Contains(sentence, error.Message);
    }

    [Theory]
    [InlineData(4, 3, "not for i386 or x86-64")]
    [InlineData(18, 40, "not for i386 or x86-64")]
    [InlineData(16, 4, "type 4, not a program")]
    [InlineData(54, 1, "no valid program headers")]
    [InlineData(56, 0, "no valid program headers")]
    [InlineData(33, 200, "ends within its program headers")]
    [InlineData(64 + 47, 0x80, "outside the address space")]
    [InlineData(64 + 8, 1, "not aligned")]
    [InlineData(64 + 36, 1, "more bytes in the file than in memory")]
    public void WrongFieldsAreNamed(int offset, byte value, string sentence)
    {
        using TemporaryFolder folder = new();
        byte[] file = ElfBuilder.Build(64, [0xF4]);
        file[offset] = value;
        LinuxLoadException error = Assert.Throws<LinuxLoadException>(() => Load(folder.Write("program", file)));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void AMissingFileADirectoryAndAFileWithoutExecuteRightAreNamed()
    {
        Assert.Contains("no such file", Assert.Throws<LinuxLoadException>(() => Load("/nowhere/at/all")).Message);
        Assert.Contains("not an executable file", Assert.Throws<LinuxLoadException>(() => Load("/etc")).Message);
        Assert.Contains("not an executable file", Assert.Throws<LinuxLoadException>(() => Load("/etc/passwd")).Message);
    }

    [Fact]
    public void RandomChangesOfAHeaderNeverThrow()
    {
        byte[] original = File.ReadAllBytes("/bin/true")[..4096];
        Random random = new(1);
        for (int i = 0; i < Mutations; i++)
        {
            byte[] file = Mutate(original, random);
            ElfImage? image = ElfParser.Parse((offset, buffer) => Read(file, offset, buffer), out string error);
            Assert.True(image != null || error.Length > 0);
        }
    }

    [Fact]
    public void RandomChangesOfAProgramLoadOrAreRefused()
    {
        using TemporaryFolder folder = new();
        byte[] original = File.ReadAllBytes("/bin/true");
        Random random = new(2);
        for (int i = 0; i < LoadedMutations; i++)
        {
            string path = folder.Write("program", Mutate(original, random));
            try
            {
                Load(path);
            }
            catch (LinuxLoadException error)
            {
                Assert.EndsWith(".", error.Message);
            }
        }
    }

    [Fact]
    public void ScriptsThatInterpretEachOtherEnd()
    {
        using TemporaryFolder folder = new();
        folder.Write("program", System.Text.Encoding.ASCII.GetBytes($"#!{folder["program"]}\n"));
        Assert.Contains("script", Assert.Throws<LinuxLoadException>(() => Load(folder["program"])).Message);
    }

    [Fact]
    public void AScriptGetsItsInterpreterAndArguments()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("script", "#!/bin/echo first second\n"u8.ToArray());
        Assert.Equal($"first second {path} third\n", Guest.Run(path, "third").Output);
    }

    static void Load(string path)
    {
        using LinuxProcess process = new(path, new LinuxOptions { MemoryLimit = 64 << 20 });
    }

    static byte[] Mutate(byte[] original, Random random)
    {
        byte[] file = [.. original];
        for (int changes = random.Next(1, 8); changes > 0; changes--)
        {
            // The ELF header and the program headers.
            int offset = random.Next(4, 64 + 13 * 56);
            file[offset] = random.Next(4) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }

        return random.Next(16) == 0 ? file[..random.Next(file.Length)] : file;
    }

    static int Read(byte[] file, ulong offset, Span<byte> buffer)
    {
        if (offset >= (ulong)file.Length)
        {
            return 0;
        }

        int count = Math.Min(buffer.Length, file.Length - (int)offset);
        file.AsSpan((int)offset, count).CopyTo(buffer);
        return count;
    }
}
