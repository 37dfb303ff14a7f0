using System.Security.Cryptography;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;
using FastVcpu.Linux.SystemCalls;
using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Linux;

/// <summary>
/// A Linux program that stands where it is about to take its input, to be run from there again and again, each time with another input. Its threads, and processes that it starts, take turns,
/// in the same order in every run; it starts no other program, and waits for nobody; time and random numbers are the same in every run. It runs on the caller's thread: memory and registers are the caller's to
/// save and restore (<see cref="Cpu"/>), what the system knows of the process is restored by <see cref="Begin"/>.
/// </summary>
/// <remarks>The input is standard input, or, when an argument is "@@", the file that stands there instead, or what a server reads from a connection.</remarks>
public sealed partial class FrozenProgram : IDisposable
{
    /// <summary>Descriptor of the input in the guest when it is a file, and its path.</summary>
    const int InputDescriptor = 1000;
    const string InputPath = "/proc/self/fd/1000", Placeholder = "@@";

    const int SeekFromStart = 0;

    /// <summary>DR7 with the first breakpoint, on execution.</summary>
    const ulong EnableFirst = 1;

    /// <summary>Calls that look at the contents of a descriptor, or may wait for them: its place among the arguments, or -1 where it is not one of them.</summary>
    static readonly Dictionary<string, int> s_readers = new()
    {
        ["read"] = 0, ["readv"] = 0, ["pread64"] = 0, ["preadv"] = 0, ["preadv2"] = 0, ["fstat"] = 0, ["fstat64"] = 0, ["newfstatat"] = 0, ["statx"] = 0, ["lseek"] = 0,
        ["_llseek"] = 0, ["llseek"] = 0, ["mmap"] = 4, ["mmap2"] = 4, ["sendfile"] = 1, ["sendfile64"] = 1, ["splice"] = 0, ["copy_file_range"] = 0,
        ["poll"] = -1, ["ppoll"] = -1, ["select"] = -1, ["_newselect"] = -1, ["pselect6"] = -1, ["epoll_ctl"] = 2,
    };

    /// <summary>Stands for the program's own first instruction: its libraries have been loaded then.</summary>
    public const ulong EntryPoint = 0;

    readonly LinuxProcess _linux;
    readonly HostFile _input;
    readonly bool _isFile;
    readonly Turns _turns;
    readonly VcpuExit? _call;
    readonly ProcessSnapshot _state;

    /// <summary>Loads a program and runs it until it takes its input.</summary>
    /// <param name="program">Its path in the guest.</param>
    /// <param name="options">What it is given. Without output descriptors, what it writes is dropped. Its time follows its instructions in any case.</param>
    /// <param name="address">Where it is to be frozen instead, before the instruction there: an address or <see cref="EntryPoint"/>; or null.</param>
    /// <param name="instructions">The most instructions that it may take to get there.</param>
    /// <param name="desock">
    /// It is a server: whichever stream socket listens first accepts one connection, from which the input is read and into which answers are dropped. It is frozen where it accepts it, and a run is over when the connection is
    /// closed, or has been read to its end, and all wait.
    /// </param>
    /// <exception cref="LinuxLoadException">It is not there, is no program for this machine, or does not get to its input.</exception>
    /// <exception cref="ArgumentException">The input of a server is no file.</exception>
    public FrozenProgram(string program, LinuxOptions options, ulong? address = null, long instructions = 10_000_000_000, bool desock = false)
        : this(given => new LinuxProcess(program, given), options, address, instructions, desock)
    {
    }

    /// <summary>Goes on with a program that has been saved (<see cref="LinuxProcess.TakeSnapshot"/>) until it takes its input, which is standard input.</summary>
    /// <param name="snapshot">The program.</param>
    /// <param name="options">What it is given.</param>
    /// <param name="address">Where it is to be frozen instead, before the instruction there; or null.</param>
    /// <param name="instructions">The most instructions that it may take to get there.</param>
    /// <exception cref="SnapshotException">The snapshot is no such program, or has values that cannot be, or files that are not there.</exception>
    /// <exception cref="LinuxLoadException">The program does not get to its input.</exception>
    public FrozenProgram(MachineSnapshot snapshot, LinuxOptions options, ulong? address = null, long instructions = 10_000_000_000)
        : this(given => new LinuxProcess(snapshot, given), options, address, instructions, desock: false)
    {
    }

    FrozenProgram(Func<LinuxOptions, LinuxProcess> create, LinuxOptions options, ulong? address, long instructions, bool desock)
    {
        ArgumentNullException.ThrowIfNull(options);
        HostPlatform.Require();
        _isFile = options.Arguments.Contains(Placeholder);
        if (_isFile && desock)
        {
            throw new ArgumentException("The input of a server is no file.", nameof(options));
        }

        _input = HostCalls.MemoryFile("input", 0, out _) ?? throw new LinuxLoadException("The host has no memory for the input.");
        try
        {
            using SafeFileHandle nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            using SafeFileHandle standardInput = File.OpenHandle(_isFile || desock ? "/dev/null" : _input.MagicPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            _linux = create(options with
            {
                Arguments = [.. options.Arguments.Select(argument => argument == Placeholder ? InputPath : argument)],
                Clock = options.Clock as InstructionClock ?? new InstructionClock(),
                RandomSeed = options.RandomSeed == 0 ? 1 : options.RandomSeed,
                StandardInput = options.StandardInput ?? standardInput,
                StandardOutput = options.StandardOutput ?? nothing,
                StandardError = options.StandardError ?? nothing,
                Debugger = null,
            });
        }
        catch
        {
            _input.Dispose();
            throw;
        }

        if (_isFile)
        {
            _linux.Process.Descriptors.Replace(InputDescriptor, new HostOpenFile(HostCalls.Duplicate(_input.Descriptor)!, "input", OpenFlags.ReadOnly), closeOnExec: false);
        }

        // A saved program may have read something, and may have had no sequence of random numbers.
        (_linux.Process.Descriptors[0] as HostOpenFile)?.Seek(0, SeekFromStart);
        _linux.System.RandomState = _linux.System.RandomState == 0 ? 1 : _linux.System.RandomState;
        foreach (GuestThread thread in _linux.Process.Threads)
        {
            thread.Cpu.RandomSeed = thread.Cpu.RandomSeed == 0 ? 1 : thread.Cpu.RandomSeed;
            _linux.System.TryAddThread();
        }

        _linux.System.Network = desock ? new InputNetwork(_input) : null;
        _turns = _linux.System.Turns!;
        _turns.IsTarget = true;
        _linux.System.Add(_linux.Process);
        try
        {
            _call = Approach(address == EntryPoint ? ElfEntry() : address, instructions);
            if (_turns.HasOthers)
            {
                throw new LinuxLoadException("Another process that the program has started is still there when it comes to its input; a run cannot begin there.");
            }

            _linux.System.Network?.Save();
            AllowsProcesses = false;
            _state = new ProcessSnapshot(_linux);
        }
        catch
        {
            _linux.Dispose();
            _input.Dispose();
            throw;
        }
    }

    /// <summary>Its CPU, whose <see cref="Vcpu.Space"/> is its memory. What it runs ends with system calls and faults, which are for <see cref="Serve"/>.</summary>
    public Vcpu Cpu => _linux.Thread.Cpu;

    /// <summary>
    /// A run may start other processes. They take their turns, each with a CPU that shares coverage and comparisons with <see cref="Cpu"/>: who runs the program asks <see cref="RunningCpu"/> which of them goes
    /// on. The run ends with the program itself, or when one of its processes crashes. Otherwise, fork fails.
    /// </summary>
    public bool AllowsProcesses
    {
        get => !_turns.RefusesProcesses;
        set => _turns.RefusesProcesses = !value;
    }

    /// <summary>The CPU that goes on, and whose exit <see cref="Serve"/> expects: <see cref="Cpu"/>, or that of a process that the program has started.</summary>
    public Vcpu RunningCpu => _turns.Current.Cpu;

    /// <summary>How it ended, or null while it runs.</summary>
    public LinuxExit? Exit => _linux.Process.Status is { } status ? LinuxExit.Of(status) : null;

    /// <summary>It has ended because it waited for what would never come.</summary>
    public bool IsBlocked => _linux.Process.IsBlocked;

    /// <summary>System calls for another program, or for processes that it is not allowed, that it has made in this run or before its input: they fail with EAGAIN.</summary>
    public IReadOnlyCollection<string> RefusedCalls => _linux.System.Refused;

    /// <summary>Restores what the system knows of the process and lets it take an input. Memory and registers have been restored before.</summary>
    /// <param name="input">The input.</param>
    public void Begin(ReadOnlySpan<byte> input)
    {
        _state.Restore();
        Libc.Truncate(_input, input.Length);
        HostCalls.WriteAt(_input, input, 0);
        if (_call is { } call)
        {
            Serve(call);
        }
    }

    /// <summary>Bytes of a pointer.</summary>
    internal int WordSize => _linux.Process.Abi.WordSize;

    /// <summary>Maps zeroed memory that ends where a page without rights begins; null: there is no room.</summary>
    internal ulong? Allocate(ulong size)
    {
        GuestMemory memory = _linux.Process.Memory;
        ulong pages = (size + GuestMemory.PageSize - 1) & ~(GuestMemory.PageSize - 1);
        ulong start = size <= pages ? memory.FindFree(pages + GuestMemory.PageSize, 0) : 0;
        bool isThere = start != 0 && memory.Map(start, pages, MemoryProtection.Read | MemoryProtection.Write) && memory.Map(start + pages, GuestMemory.PageSize, MemoryProtection.None);
        if (!isThere)
        {
            return null;
        }

        _state.KeepLayout();
        return start + pages - size;
    }

    /// <summary>Paths in the guest of the files that the program has loaded or opened so far: itself, its libraries, whatever it has read.</summary>
    public IReadOnlyList<string> OpenedFiles => [.. _linux.System.Opened.Select(PathText.ToUnicode)];

    /// <summary>SHA-256 of a file of the guest, in hexadecimal; null when it cannot be read.</summary>
    /// <param name="path">Its path in the guest.</param>
    public string? HashFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        (OpenFile? file, _) = FileOpener.Open(_linux.Process, _linux.Process.Files.WorkingDirectory, PathText.FromUnicode(path), OpenFlags.ReadOnly, 0);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        long count = -1;
        for (long at = 0; file is HostOpenFile { IsRegular: true } && (count = file.ReadAt(buffer, at)) > 0; at += count)
        {
            hash.AppendData(buffer, 0, (int)count);
        }

        file?.Release();
        return count < 0 ? null : Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Serves what the CPU stopped for. False: the program has ended.</summary>
    /// <param name="exit">How it stopped.</param>
    public bool Serve(in VcpuExit exit)
    {
        _turns.Current.Serve(exit);
        return _turns.GoOn();
    }

    /// <summary>Ends the program.</summary>
    public void Dispose()
    {
        _state.Dispose();
        _linux.Dispose();
        _input.Dispose();
    }

    /// <summary>AT_ENTRY.</summary>
    ulong ElfEntry()
    {
        StructReader r = new(_linux.AuxiliaryVector.Span, _linux.Process.Abi);
        ulong type, value;
        do
        {
            (type, value) = (r.Word(), r.Word());
        }
        while (type is not (AuxiliaryType.Entry or AuxiliaryType.Null));
        return value;
    }

    /// <summary>Runs to the place; returns the call that is made there.</summary>
    VcpuExit? Approach(ulong? address, long instructions)
    {
        if (address is { } place)
        {
            Cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.UseHardwareBreakpoints, new DebugRegisters(place, 0, 0, 0, 0, EnableFirst));
        }

        while (_linux.Process.Status == null)
        {
            VcpuExit exit = RunningCpu.Run(instructions);
            instructions -= exit.InstructionsRetired;
            if (exit.Reason == ExitReason.Debug && address != null)
            {
                Cpu.SetGuestDebug(GuestDebugFlags.None);
                return null;
            }

            if (exit.Reason == ExitReason.InstructionLimit)
            {
                break;
            }

            if (address == null && CallOf(exit) is { } call && TakesInput(call))
            {
                return exit;
            }

            Serve(exit);
        }

        string goal = address != null ? $"{address:x}h" : _linux.System.Network != null ? "its input, a connection that it accepts" : _isFile ? "its input, the file that @@ stands for" : "its input, standard input (@@ stands for a file)";
        string refused = RefusedCalls.Count > 0 ? $"; it is not allowed another program, and has called {string.Join(", ", RefusedCalls)}" : "";
        throw new LinuxLoadException(
            (IsBlocked ? $"The program waits for ever before it comes to {goal}"
            : Exit is { } end ? $"The program ended with {(end.Signal != 0 ? $"signal {end.Signal}" : $"code {end.Code}")} before it came to {goal}"
            : $"The program did not come to {goal}") + refused + ".");
    }

    /// <summary>The call that an exit is, or null.</summary>
    SystemCall? CallOf(in VcpuExit exit) => exit.Reason switch
    {
        ExitReason.SystemCall => Amd64Table.Table[RunningCpu.Regs.Rax],
        ExitReason.SoftwareInterrupt when exit.Vector == SystemCallDispatcher.Interrupt => I386Table.Table[(uint)RunningCpu.Regs.Rax],
        _ => null,
    };

    /// <summary>Whether a call's result depends on the input: it names the file, or looks into standard input.</summary>
    bool TakesInput(SystemCall call)
    {
        RegisterFile regs = RunningCpu.Regs;
        GuestProcess process = _turns.Current.Process;
        ReadOnlySpan<ulong> arguments = process.Abi.Is64
            ? [regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9]
            : [(uint)regs.Rbx, (uint)regs.Rcx, (uint)regs.Rdx, (uint)regs.Rsi, (uint)regs.Rdi, (uint)regs.Rbp];
        if (_linux.System.Network != null)
        {
            const ulong accept = 5, accept4 = 18;
            bool accepts = call.Name is "accept" or "accept4" && process.Descriptors[(int)arguments[0]] is ServerSocket { IsListening: true };
            return accepts || call.Name == "socketcall" && arguments[0] is accept or accept4;
        }

        if (!_isFile)
        {
            // Other requests, is it a terminal above all, have the same answer whatever the input is.
            return call.Name == "ioctl"
                ? (int)arguments[0] == 0 && (uint)arguments[1] == Terminal.BytesReadable
                : s_readers.TryGetValue(call.Name, out int place) && (place < 0 || (int)arguments[place] == 0);
        }

        Span<byte> text = stackalloc byte[InputPath.Length + 1];
        foreach (ulong argument in arguments[..2])
        {
            if (process.Memory.TryRead(argument, text) && text[^1] == 0 && text[..^1].SequenceEqual("/proc/self/fd/1000"u8))
            {
                return true;
            }
        }

        return false;
    }
}
