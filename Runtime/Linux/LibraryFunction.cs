namespace FastVcpu.Linux;

/// <summary>
/// A function of a shared library, loaded with all that it needs into a small program and ready to be called again and again on the caller's thread: as a target for fuzzers, mostly.
/// </summary>
/// <example>
/// <code>
/// using LibraryFunction crc32 = new("/lib/x86_64-linux-gnu/libz.so.1", "crc32");
/// crc32.Call(0, crc32.Allocate(5).PutAtEnd("hello"u8), 5);
/// while (crc32.Serve(crc32.Cpu, crc32.Cpu.Run())) { }
/// Console.WriteLine(crc32.Result);
/// </code>
/// </example>
public sealed class LibraryFunction : IDisposable
{
    readonly FrozenProgram _program;
    readonly ulong _address, _stackPointer;

    /// <summary>Loads a library.</summary>
    /// <param name="library">Its path in the guest.</param>
    /// <param name="function">The name of a function that it exports. Of one with several implementations for different CPUs, it is the one that the library chooses for this one.</param>
    /// <param name="options">What it is given. Default: the CPU with all features, and no environment.</param>
    /// <param name="program">A dynamically linked program of the same kind whose dynamic linker loads the library; it runs up to its own first instruction.</param>
    /// <exception cref="LinuxLoadException">The program or the library cannot be loaded, or there is no such function.</exception>
    public LibraryFunction(string library, string function, LinuxOptions? options = null, string program = "/bin/true")
    {
        ArgumentException.ThrowIfNullOrEmpty(library);
        ArgumentException.ThrowIfNullOrEmpty(function);
        options ??= new LinuxOptions { CpuModel = CpuModel.Max };
        _program = new FrozenProgram(program, options with { Environment = [.. options.Environment, "LD_PRELOAD=" + library, "LD_BIND_NOW=1"] }, FrozenProgram.EntryPoint);
        if (_program.FindSymbol(function, library) is not { } address)
        {
            _program.Dispose();
            throw new LinuxLoadException($"{library} cannot be loaded, or has no {function}.");
        }

        _address = address;
        _stackPointer = Cpu.Regs.Rsp;
    }

    /// <summary>The CPU that runs it.</summary>
    public Vcpu Cpu => _program.Cpu;

    /// <summary>Its memory.</summary>
    public AddressSpace Space => Cpu.Space!;

    /// <summary>The program that the library has been loaded into.</summary>
    public FrozenProgram Program => _program;

    /// <summary>Where the function returns to: nothing is there, so that its return ends the run.</summary>
    public ulong ReturnAddress => GuestCall.ReturnAddress;

    /// <summary>What it has returned: the register for integers and pointers.</summary>
    public ulong Result => Cpu.Regs.Rax;

    /// <summary>Maps zeroed memory for arguments. It ends where memory ends: an access behind it is a fault.</summary>
    /// <param name="size">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">None, or more than there is room for.</exception>
    public GuestBuffer Allocate(ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        return _program.Allocate(size) is { } address ? new GuestBuffer(Space, address, size) : throw new ArgumentOutOfRangeException(nameof(size), size, "There is no room for so much memory.");
    }

    /// <summary>Gets ready to run the function with arguments, as its ABI passes integers and pointers. Memory is as it has been left; a harness of FastVcpu.Fuzzing restores it.</summary>
    /// <param name="arguments">The arguments.</param>
    public void Call(params ReadOnlySpan<ulong> arguments)
    {
        _program.Begin([]);
        GuestCall.Prepare(Cpu, _program.WordSize, _stackPointer, _address, arguments);
    }

    /// <summary>Serves what the CPU stopped for. False: the function has returned, or the program has ended.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="exit">How it stopped.</param>
    public bool Serve(Vcpu cpu, in VcpuExit exit) => Cpu.Regs.Rip != ReturnAddress && _program.Serve(exit);

    /// <summary>Ends the program.</summary>
    public void Dispose() => _program.Dispose();
}
