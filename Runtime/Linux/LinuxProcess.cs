using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;
using FastVcpu.Linux.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace FastVcpu.Linux;

/// <summary>
/// A Linux program for i386 or x86-64, with the processes it starts, on virtual CPUs in this process. It uses the standard input, output and
/// error of this process and otherwise sees what its <see cref="LinuxOptions"/> give it.
/// </summary>
public sealed class LinuxProcess : IDisposable
{
    readonly LinuxSystem _system;
    readonly GuestProcess _process;
    readonly GuestThread _thread;
    bool _hasStarted, _hasEnded;

    /// <summary>Loads a program.</summary>
    /// <param name="program">Its path in the guest.</param>
    /// <param name="options">What it is given.</param>
    /// <exception cref="LinuxLoadException">It is not there, or is no program for this machine.</exception>
    /// <exception cref="PlatformNotSupportedException">The host is not Linux.</exception>
    public LinuxProcess(string program, LinuxOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(program);
        ArgumentNullException.ThrowIfNull(options);
        HostPlatform.Require();
        HostFile root = HostCalls.Open(PathText.FromUnicode(options.Root), OpenFlags.Path | OpenFlags.Directory, out _)
            ?? throw new LinuxLoadException($"The root {options.Root} is not a directory that can be opened.");
        _system = CreateSystem(options, root);
        try
        {
            FileContext files = new(new GuestDirectory("/", root, null), CreationMask.OfHost());
            _process = new GuestProcess(_system, null, StandardStreams(options), files, new SignalActions());
            string workingDirectory = PathText.FromUnicode(options.WorkingDirectory);
            files.WorkingDirectory = FileOpener.OpenDirectory(_process, workingDirectory)
                ?? throw new LinuxLoadException($"The working directory {options.WorkingDirectory} is not there.");
            _process.SetProgram(Load(program, options));
            _thread = AddThread(_process.Id, Processor.Create(options, _process.Program));
        }
        catch
        {
            _process?.Descriptors.ReleaseUser();
            _system.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with a program that has been saved (<see cref="TakeSnapshot"/>), here or elsewhere. Its CPU model, working directory, arguments and environment are those of then.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="options">What it is given: root, standard streams, limits. The files that it had open are opened again.</param>
    /// <exception cref="SnapshotException">The snapshot is no such program, or has values that cannot be, or files that are not there.</exception>
    /// <exception cref="LinuxLoadException">The root cannot be opened.</exception>
    /// <exception cref="PlatformNotSupportedException">The host is not Linux.</exception>
    public LinuxProcess(MachineSnapshot snapshot, LinuxOptions options)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(options);
        HostPlatform.Require();
        ProgramDescription description = ProgramDescription.Parse(snapshot.Description);
        if (description.Threads.Count > options.MaxThreads)
        {
            throw new SnapshotException($"The program of the snapshot has {description.Threads.Count} threads; {options.MaxThreads} are allowed.");
        }

        if (description.IsDeterministic && options.Clock is not (null or InstructionClock))
        {
            throw new SnapshotException("The program of the snapshot has a clock that follows its instructions.");
        }

        options = options with
        {
            CpuModel = description.CpuModel,
            Clock = options.Clock ?? (description.IsDeterministic ? new InstructionClock() : null),
            MaxThreads = Math.Min(options.MaxThreads, description.MaxThreads),
        };
        HostFile root = HostCalls.Open(PathText.FromUnicode(options.Root), OpenFlags.Path | OpenFlags.Directory, out _)
            ?? throw new LinuxLoadException($"The root {options.Root} is not a directory that can be opened.");
        _system = CreateSystem(options, root);
        try
        {
            _process = new GuestProcess(_system, null, StandardStreams(options), new FileContext(new GuestDirectory("/", root, null), CreationMask.OfHost()), new SignalActions());
            GuestMemory memory = new(description.Abi, options.MemoryLimit);
            _process.SetProgram(new LoadedProgram(memory, 0, 0, "", [], []));
            Vcpu? shared = null;
            foreach (int id in description.Threads)
            {
                GuestThread thread = AddThread(id, shared ?? Processor.Create(options, _process.Program));
                if (shared != null)
                {
                    thread.Leave();
                }

                shared = _system.Turns == null ? null : thread.Cpu;
            }

            _thread = _process.Threads[0];
            new ProgramState(_process, description.IsDeterministic).Restore(snapshot);
        }
        catch
        {
            Release();
            _system.Dispose();
            throw;
        }
    }

    internal LinuxSystem System => _system;

    internal GuestProcess Process => _process;

    internal GuestThread Thread => _thread;

    /// <summary>Instructions that all processes and threads of the guest that have ended have retired.</summary>
    public long InstructionsRetired => _system.Instructions;

    /// <summary>Blocks of code that they have decoded.</summary>
    public long BlocksDecoded => _system.Blocks;

    /// <summary>Number of the process in the guest.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the program is one of x86-64; otherwise it is one of i386. After execve, that of the new program.</summary>
    public bool Is64Bit => _process.Program.Memory.Abi.Is64;

    /// <summary>Path of the executable in the guest, links resolved.</summary>
    public string ExecutablePath => PathText.ToUnicode(_process.Program.Path);

    /// <summary>The auxiliary vector that the program was started with, as /proc/self/auxv shows it.</summary>
    public ReadOnlyMemory<byte> AuxiliaryVector => _process.Program.AuxiliaryVector;

    /// <summary>Runs the program until it and all processes that it started have ended. Once.</summary>
    /// <returns>How the program itself ended.</returns>
    /// <exception cref="InvalidOperationException">It has run already, or <see cref="Freeze"/> has been called.</exception>
    public LinuxExit Run() => Run(long.MaxValue) ?? throw new InvalidOperationException("The program stands still.");

    /// <summary>
    /// Runs the program until it and all processes that it started have ended, or until all stand still: because of <see cref="Freeze"/>, or at a limit. Then it can be called again. With an <see cref="InstructionClock"/>, the guest runs on the calling thread.
    /// </summary>
    /// <param name="instructions">So many instructions may the program's first thread have retired since its beginning; with an <see cref="InstructionClock"/>, all threads together.</param>
    /// <returns>How the program itself ended; null: it stands still.</returns>
    /// <exception cref="InvalidOperationException">It has ended already.</exception>
    public LinuxExit? Run(long instructions)
    {
        if (_hasEnded)
        {
            throw new InvalidOperationException("The program has run already.");
        }

        _system.Limit = instructions;
        if (_hasStarted)
        {
            _system.GoOn();
        }
        else
        {
            _hasStarted = true;
            IReadOnlyList<GuestThread> threads = [.. _process.Threads];
            foreach (GuestThread _ in threads)
            {
                _system.TryAddThread();
            }

            _system.Add(_process);
            foreach (GuestThread thread in _system.Turns == null ? threads : [])
            {
                thread.Start();
            }
        }

        _hasEnded = _system.Turns?.Run(instructions) ?? _system.WaitForAll();
        return _hasEnded ? LinuxExit.Of(_process.Status ?? default) : null;
    }

    /// <summary>Lets <see cref="Run(long)"/> return as soon as all threads stand between two instructions. From any thread.</summary>
    public void Freeze() => _system.Freeze();

    /// <summary>
    /// Copies the whole program while it stands still: memory, threads, and what the system knows of it. Its standard streams are those of whoever goes on with it; files are opened again by their
    /// paths, and have to have the size that they have now. Locks of files are not in it.
    /// </summary>
    /// <exception cref="SnapshotException">It has what cannot be saved: another process, an epoll instance. The message names it.</exception>
    /// <exception cref="InvalidOperationException">It runs, or has ended.</exception>
    public MachineSnapshot TakeSnapshot() => WhileItStands(state => state.Take());

    /// <summary>A number for the whole program while it stands still, as <see cref="VirtualMachine.StateHash"/> for a machine.</summary>
    /// <exception cref="InvalidOperationException">It runs, or has ended.</exception>
    public byte[] StateHash() => WhileItStands(state => state.Hash());

    /// <summary>Sends a signal to the foreground process group, as the terminal does. From any thread.</summary>
    /// <param name="signal">Number of the signal, 1–64.</param>
    public void Signal(int signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(signal, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(signal, Abi.Signal.Count);
        _system.SendToGroup(_system.ForegroundGroup, new SignalInfo(signal, SignalInfo.Kernel));
    }

    /// <summary>Ends the program and all processes that it started, as SIGKILL does. From any thread.</summary>
    public void Kill() => _system.KillAll();

    /// <summary>Returns what a program that has not run still holds.</summary>
    public void Dispose()
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            _system.Turns?.DropOthers();
            Release();
        }
        else if (_system.Turns is { } turns)
        {
            turns.EndAll();
        }
        else if (_system.IsFreezing)
        {
            _system.KillAll();
            _system.GoOn();
            _system.WaitForAll();
        }

        _hasEnded = true;
        _system.Dispose();
    }

    /// <summary>Under the lock, for it may be killed at any time.</summary>
    T WhileItStands<T>(Func<ProgramState, T> look)
    {
        lock (_system.Lock)
        {
            bool stands = !_hasEnded && (!_hasStarted || _system.AllStandStill);
            return stands ? look(new ProgramState(_process, _system.Options.Clock is InstructionClock)) : throw new InvalidOperationException("The program does not stand still.");
        }
    }

    /// <summary>Time that follows the instructions is one for all threads, so they take turns.</summary>
    static LinuxSystem CreateSystem(LinuxOptions options, HostFile root)
    {
        LinuxSystem system = new(options, root);
        system.Turns = options.Clock is InstructionClock clock ? new Turns(system, clock) : null;
        return system;
    }

    GuestThread AddThread(int id, Vcpu cpu)
    {
        _system.Main = _process;
        GuestThread thread = new(_process, id, cpu, null);
        _process.AddThread(thread);
        _system.Turns?.Add(thread);
        return thread;
    }

    /// <summary>What a program that has not run holds.</summary>
    void Release()
    {
        foreach (GuestThread thread in _process?.Threads ?? [])
        {
            thread.Cpu.Dispose();
        }

        _process?.Memory?.Dispose();
        _process?.Timer.Dispose();
        _process?.Descriptors.ReleaseUser();
    }

    LoadedProgram Load(string program, LinuxOptions options)
    {
        List<byte[]> arguments = [Bytes(options.ProgramName ?? program), .. options.Arguments.Select(Bytes)];
        List<byte[]> environment = [.. options.Environment.Select(Bytes)];
        (LoadedProgram? loaded, LoadFailure? failure) = new ProgramLoader(_process)
            .Load(_process.Files.WorkingDirectory, PathText.FromUnicode(program), true, arguments, environment);
        return loaded ?? throw new LinuxLoadException(failure!.Sentence);
    }

    static byte[] Bytes(string text) => PathText.ToBytes(PathText.FromUnicode(text));

    static DescriptorTable StandardStreams(LinuxOptions options)
    {
        DescriptorTable table = new();
        SafeFileHandle?[] handles = [options.StandardInput, options.StandardOutput, options.StandardError];
        for (int i = 0; i < handles.Length; i++)
        {
            HostFile? file = handles[i] is { } handle ? Duplicate(handle) : HostCalls.Duplicate(i);
            if (file != null)
            {
                string path = HostCalls.StreamName(file);

                // A program in a root of its own does not learn where the host keeps its files.
                bool isHostPath = path.StartsWith('/') && !path.StartsWith("/dev/", StringComparison.Ordinal);
                path = isHostPath && options.Root != "/" ? "stream" : path;
                table.Replace(i, new HostOpenFile(file, path, HostCalls.GetFlags(file), stream: i), false);
            }
        }

        return table;
    }

    static HostFile? Duplicate(SafeFileHandle handle)
    {
        bool added = false;
        handle.DangerousAddRef(ref added);
        try
        {
            return HostCalls.Duplicate((int)handle.DangerousGetHandle());
        }
        finally
        {
            handle.DangerousRelease();
        }
    }
}
