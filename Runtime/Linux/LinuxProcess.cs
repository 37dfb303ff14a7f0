using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Process;
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
    bool _hasRun;

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
        _system = new LinuxSystem(options, root);
        try
        {
            FileContext files = new(new GuestDirectory("/", root, null), CreationMask.OfHost());
            _process = new GuestProcess(_system, null, StandardStreams(options), files, new SignalActions());
            string workingDirectory = PathText.FromUnicode(options.WorkingDirectory);
            files.WorkingDirectory = FileOpener.OpenDirectory(_process, workingDirectory)
                ?? throw new LinuxLoadException($"The working directory {options.WorkingDirectory} is not there.");
            _process.SetProgram(Load(program, options));
            Vcpu cpu = Processor.Create(options, _process.Program);
            _thread = new GuestThread(_process, _process.Id, cpu, null);
            _process.AddThread(_thread);
        }
        catch
        {
            _process?.Descriptors.ReleaseUser();
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
    /// <exception cref="InvalidOperationException">It has run already.</exception>
    public LinuxExit Run()
    {
        if (_hasRun)
        {
            throw new InvalidOperationException("The program has run already.");
        }

        _hasRun = true;
        _system.TryAddThread();
        _system.Add(_process);
        _thread.Start();
        _system.WaitForAll();
        return LinuxExit.Of(_process.Status ?? default);
    }

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
        if (!_hasRun)
        {
            _hasRun = true;
            _thread.Cpu.Dispose();
            _process.Memory.Dispose();
            _process.Descriptors.ReleaseUser();
        }

        _system.Dispose();
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
                table.Replace(i, new HostOpenFile(file, path, HostCalls.GetFlags(file), isInherited: true), false);
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
