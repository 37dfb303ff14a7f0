namespace FastVcpu.Tests;

/// <summary>Functions of the host's libraries.</summary>
public class LibraryFunctionTests
{
    const string C = "/lib/x86_64-linux-gnu/libc.so.6";

    [Fact]
    public void AFunctionIsCalledWithItsArgumentsAgainAndAgain()
    {
        if (!File.Exists(C))
        {
            return;
        }

        using LibraryFunction format = new(C, "snprintf");
        GuestBuffer text = format.Allocate(100);
        ulong pattern = format.Allocate(32).PutAtEnd("%d %d %d %d %d %d|%s\0"u8), word = format.Allocate(5).PutAtEnd("word\0"u8);
        for (ulong i = 1; i < 4; i++)
        {
            // Registers hold six; the others are on the stack.
            format.Call(text.Address, text.Size, pattern, i, 2, 3, 4, 5, 6, word);
            Run(format);
            byte[] bytes = new byte[16];
            format.Space.Read(text.Address, bytes);
            Assert.Equal($"{i} 2 3 4 5 6|word", System.Text.Encoding.ASCII.GetString(bytes));
            Assert.Equal(16u, format.Result);
        }
    }

    [Fact]
    public void AnAccessBehindABufferIsAFault()
    {
        if (!File.Exists(C))
        {
            return;
        }

        using LibraryFunction copy = new(C, "strtoul");
        GuestBuffer digits = copy.Allocate(3);
        copy.Call(digits.PutAtEnd("12\0"u8), 0, 10);
        Run(copy);
        Assert.Equal(12u, copy.Result);
        Assert.Null(copy.Program.Exit);
        copy.Call(digits.PutAtEnd("123"u8), 0, 10);
        Run(copy);
        Assert.Equal(11, copy.Program.Exit!.Value.Signal);
    }

    [Fact]
    public void WhatIsNotThereIsRefused()
    {
        if (!File.Exists(C))
        {
            return;
        }

        Assert.Contains("has no nothing_of_that_name", Assert.Throws<LinuxLoadException>(() => new LibraryFunction(C, "nothing_of_that_name")).Message);
        Assert.Throws<LinuxLoadException>(() => new LibraryFunction(C, "abs", program: "/nowhere"));
        // Another library of the program has it. libm is linked with libc.
        Assert.Contains("has no strtoul", Assert.Throws<LinuxLoadException>(() => new LibraryFunction("/lib/x86_64-linux-gnu/libm.so.6", "strtoul")).Message);
    }

    /// <summary>These have an implementation for each kind of CPU: what is called is the one that the library's own code chooses for this one.</summary>
    [Theory]
    [InlineData("amd64")]
    [InlineData("i386")]
    public void AFunctionOfSeveralImplementationsIsTheOneForThisCpu(string architecture)
    {
        if (Debian(architecture) is not var (library, options))
        {
            return;
        }

        HashSet<ulong> implementations = [];
        foreach (CpuModel model in new[] { CpuModel.X86_64, CpuModel.Max })
        {
            options = options with { CpuModel = model };
            using LibraryFunction length = new(library, "strlen", options, "/bin/dash"), copy = new(library, "memcpy", options, "/bin/dash");
            implementations.Add(copy.Program.FindSymbol("memcpy")!.Value);
            CheckLengthAndCopy(length, copy);
        }

        Assert.Equal(2, implementations.Count);
    }

    /// <summary>Arguments of 32-bit functions are on the stack.</summary>
    [Fact]
    public void AFunctionOf32BitsTakesItsArguments()
    {
        if (Debian("i386") is not var (library, options))
        {
            return;
        }

        using LibraryFunction format = new(library, "snprintf", options, "/bin/dash"), divide = new(library, "div", options, "/bin/dash");
        GuestBuffer text = format.Allocate(100);
        ulong pattern = format.Allocate(32).PutAtEnd("%d %u %s\0"u8), word = format.Allocate(5).PutAtEnd("word\0"u8);
        for (ulong i = 1; i < 4; i++)
        {
            format.Call(text.Address, text.Size, pattern, i, uint.MaxValue, word);
            Run(format);
            byte[] bytes = new byte[17];
            format.Space.Read(text.Address, bytes);
            Assert.Equal($"{i} 4294967295 word", System.Text.Encoding.ASCII.GetString(bytes));
            Assert.Equal(17u, format.Result);
        }

        // A structure as a result is memory whose address is the first argument.
        GuestBuffer result = divide.Allocate(8);
        divide.Call(result.Address, 47, 10);
        Run(divide);
        Assert.Equal((4, 7), (divide.Space.Read<int>(result.Address), divide.Space.Read<int>(result.Address + 4)));
        divide.Call(result.Address, 1, 0);
        Run(divide);
        Assert.Equal(8, divide.Program.Exit!.Value.Signal);
    }

    /// <summary>The C library of Debian in a root of its own; null where it cannot be had.</summary>
    static (string Library, LinuxOptions Options)? Debian(string architecture) => GuestPrograms.Root(architecture) is not { } root
        ? null
        : ($"/lib/{(architecture == "i386" ? "i386" : "x86_64")}-linux-gnu/libc.so.6", new LinuxOptions { Root = root, CpuModel = CpuModel.Max });

    static void CheckLengthAndCopy(LibraryFunction length, LibraryFunction copy)
    {
        foreach (int size in new[] { 0, 7, 100, 3000 })
        {
            GuestBuffer text = length.Allocate(4000), from = copy.Allocate(4000), to = copy.Allocate(4000);
            length.Call(text.PutAtEnd([.. Enumerable.Repeat((byte)'x', size), 0]));
            Run(length);
            Assert.Equal((ulong)size, length.Result);

            byte[] bytes = [.. Enumerable.Range(0, size + 1).Select(i => (byte)(i * 7))], copied = new byte[size + 1];
            copy.Call(to.Address, from.PutAtEnd(bytes), (ulong)bytes.Length);
            Run(copy);
            Assert.Equal(to.Address, copy.Result);
            copy.Space.Read(to.Address, copied);
            Assert.Equal(bytes, copied);
        }
    }

    static void Run(LibraryFunction function)
    {
        while (function.Serve(function.Cpu, function.Cpu.Run()))
        {
        }
    }
}
