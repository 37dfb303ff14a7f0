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
    }

    static void Run(LibraryFunction function)
    {
        while (function.Serve(function.Cpu, function.Cpu.Run()))
        {
        }
    }
}
