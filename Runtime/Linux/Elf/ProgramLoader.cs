using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.Elf;

/// <summary>A program in memory, ready to start.</summary>
/// <param name="Memory">Its memory.</param>
/// <param name="Entry">Where the CPU starts.</param>
/// <param name="StackPointer">Its stack.</param>
/// <param name="Path">Path of the executable.</param>
/// <param name="CommandLine">Arguments, each with its NUL.</param>
/// <param name="AuxiliaryVector">The auxiliary vector.</param>
sealed record LoadedProgram(GuestMemory Memory, ulong Entry, ulong StackPointer, string Path, byte[] CommandLine, byte[] AuxiliaryVector);

/// <summary>Why a program could not be loaded.</summary>
/// <param name="Error">Negated error number for execve.</param>
/// <param name="Sentence">The same for people.</param>
sealed record LoadFailure(long Error, string Sentence);

/// <summary>What execve does: finds the program, follows #! lines, maps program and dynamic linker, builds the stack.</summary>
sealed class ProgramLoader(GuestProcess process)
{
    const int MaxScripts = 4, ScriptLineLimit = 255;
    const ulong StackSize = 8 << 20;

    /// <summary>A quarter of the stack, as in Linux.</summary>
    public const ulong ArgumentLimit = StackSize / 4;

    /// <summary>Loads a program; exactly one of the results is null.</summary>
    /// <param name="start">Directory for a relative path.</param>
    /// <param name="path">Path of the program.</param>
    /// <param name="followLinks">Whether a link at the end is followed.</param>
    /// <param name="arguments">Arguments.</param>
    /// <param name="environment">Environment.</param>
    public (LoadedProgram? Program, LoadFailure? Failure) Load(GuestDirectory start, string path, bool followLinks, List<byte[]> arguments, List<byte[]> environment)
    {
        string executionPath = path;
        for (int scripts = 0; ; scripts++)
        {
            using HostFile? file = Open(start, path, followLinks, out string realPath, out LoadFailure? failure);
            if (file == null)
            {
                return (null, failure);
            }

            byte[] head = new byte[ScriptLineLimit + 1];
            int length = (int)Math.Max(FileReader.Read(file, 0, head), 0);
            if (length < 2 || head[0] != '#' || head[1] != '!')
            {
                return LoadElf(file, realPath, executionPath, arguments, environment);
            }

            if (scripts == MaxScripts)
            {
                return (null, new LoadFailure(-Errno.ELOOP, $"{PathText.ToUnicode(path)} is a script of a script too many."));
            }

            (string Interpreter, byte[]? Argument)? line = ParseScriptLine(head.AsSpan(2, length - 2));
            if (line is not { } script)
            {
                return (null, new LoadFailure(-Errno.ENOEXEC, $"{PathText.ToUnicode(path)} begins with #! but names no interpreter."));
            }

            byte[] interpreter = PathText.ToBytes(script.Interpreter);
            arguments = [interpreter, .. script.Argument == null ? [] : new[] { script.Argument }, PathText.ToBytes(path), .. arguments.Skip(1)];
            path = script.Interpreter;
            start = process.Files.WorkingDirectory;
            followLinks = true;
        }
    }

    HostFile? Open(GuestDirectory start, string path, bool followLinks, out string realPath, out LoadFailure? failure)
    {
        realPath = path;
        failure = null;
        using Location? location = process.Paths.Resolve(start, path, followLinks, out long error);
        if (location is { Node: VirtualLink { IsMagic: true } link })
        {
            (OpenFile? opened, error) = link.Open(OpenFlags.ReadOnly);
            realPath = opened?.Path ?? path;
            HostFile? duplicate = opened?.Host == null ? null : HostCalls.Duplicate(opened.Host.Descriptor);
            opened?.Release();
            failure = duplicate == null ? Failure(error < 0 ? error : -Errno.EACCES) : null;
            return duplicate;
        }

        if (location == null || location.Directory == null)
        {
            failure = Failure(location == null ? error : -Errno.EACCES);
            return null;
        }

        realPath = location.Path;
        if (location.Stat(out HostStatx stat) is < 0 and long statError)
        {
            failure = Failure(statError);
            return null;
        }

        if (stat.Kind != FileKind.Regular || (stat.Mode & 0x49) == 0)
        {
            failure = stat.Kind == FileKind.SymbolicLink ? Failure(-Errno.ELOOP) : Failure(-Errno.EACCES);
            return null;
        }

        HostFile? file = HostCalls.OpenAt(location.Directory, location.Name, OpenFlags.ReadOnly, 0, out error);
        process.System.NoteOpened(location.Path);
        failure = file == null ? Failure(error) : null;
        return file;

        LoadFailure Failure(long number) => new(number, $"{PathText.ToUnicode(path)} cannot be run: {Reason((int)-number)}.");
    }

    static string Reason(int errno) => errno switch
    {
        Errno.ENOENT => "there is no such file",
        Errno.EACCES => "it is not an executable file",
        Errno.ENOTDIR => "a part of its path is not a directory",
        Errno.ELOOP => "too many symbolic links",
        _ => Errno.Name(errno),
    };

    static (string Interpreter, byte[]? Argument)? ParseScriptLine(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = (end < 0 ? text : text[..end]).Trim(" \t"u8);
        int space = line.IndexOfAny((byte)' ', (byte)'\t');
        ReadOnlySpan<byte> interpreter = space < 0 ? line : line[..space];
        if (interpreter.IsEmpty || interpreter.Contains((byte)0))
        {
            return null;
        }

        return (PathText.FromBytes(interpreter), space < 0 ? null : line[space..].Trim(" \t"u8).ToArray());
    }

    (LoadedProgram? Program, LoadFailure? Failure) LoadElf(HostFile file, string realPath, string executionPath, List<byte[]> arguments, List<byte[]> environment)
    {
        ElfImage? image = ElfParser.Parse(Reader(file), out string problem);
        if (image == null)
        {
            return (null, new LoadFailure(-Errno.ENOEXEC, $"{PathText.ToUnicode(realPath)} {problem}."));
        }

        if (!process.System.CanRun(image.Abi))
        {
            string model = process.System.Options.CpuModel.Name;
            return (null, new LoadFailure(-Errno.ENOEXEC, $"{PathText.ToUnicode(realPath)} needs a 64-bit CPU, and {model} is none."));
        }

        HostFile? linkerFile = null;
        try
        {
            ElfImage? linker = null;
            if (image.Interpreter != null)
            {
                string linkerPath = PathText.FromBytes(image.Interpreter);
                linkerFile = Open(process.Files.WorkingDirectory, linkerPath, true, out _, out LoadFailure? failure);
                if (linkerFile == null)
                {
                    return (null, failure! with { Sentence = $"{PathText.ToUnicode(realPath)} needs a dynamic linker: {failure.Sentence}" });
                }

                linker = ElfParser.Parse(Reader(linkerFile), out problem);
                if (linker == null || linker.Abi != image.Abi)
                {
                    string reason = linker == null ? problem : "is for another machine";
                    return (null, new LoadFailure(-Errno.ELIBBAD, $"The dynamic linker {PathText.ToUnicode(linkerPath)} {reason}."));
                }
            }

            GuestMemory memory = new(image.Abi, process.System.Options.MemoryLimit) { ReadImpliesExecute = image.ReadImpliesExecute };
            LoadedProgram? program = Build(memory, file, image, linkerFile, linker, realPath, executionPath, arguments, environment);
            if (program == null)
            {
                memory.Dispose();
                return (null, new LoadFailure(-Errno.ENOMEM, $"{PathText.ToUnicode(realPath)} does not fit into memory with its arguments."));
            }

            return (program, null);
        }
        finally
        {
            linkerFile?.Dispose();
        }
    }

    LoadedProgram? Build(GuestMemory memory, HostFile file, ElfImage image, HostFile? linkerFile, ElfImage? linker, string realPath, string executionPath,
        List<byte[]> arguments, List<byte[]> environment)
    {
        LinuxAbi abi = image.Abi;
        MemoryProtection stackProtection = MemoryProtection.Read | MemoryProtection.Write
            | (image.ExecutableStack ? MemoryProtection.Execute : MemoryProtection.None);
        ulong bias = 0;
        if (image.IsPositionIndependent)
        {
            // A dynamic linker that is run as a program itself goes where mappings go.
            ulong place = linker != null ? abi.PieBase : memory.FindFree(image.End - image.Start, 0, abi.StackTop - StackSize);
            bias = place - image.Start;
        }

        ulong size = image.End - image.Start;
        if (!memory.IsUserRange(image.Start + bias, size) || ImageMapper.Map(memory, file, image, realPath, bias) < 0)
        {
            return null;
        }

        ulong stackStart = abi.StackTop - StackSize;
        if (!memory.IsFree(stackStart, StackSize) || !memory.Map(stackStart, StackSize, stackProtection, "[stack]"))
        {
            return null;
        }

        ulong linkerBias = 0;
        if (linker != null)
        {
            ulong place = linker.IsPositionIndependent ? memory.FindFree(linker.End - linker.Start, 0) : linker.Start;
            linkerBias = place - linker.Start;
            if (place == 0 || ImageMapper.Map(memory, linkerFile!, linker, PathText.FromBytes(image.Interpreter!), linkerBias) < 0)
            {
                return null;
            }
        }

        memory.SetBreakStart(image.End + bias);
        ulong total = 0;
        foreach (byte[] text in arguments.Concat(environment))
        {
            total += (ulong)(text.Length + 1 + abi.WordSize);
        }

        if (total > ArgumentLimit)
        {
            return null;
        }

        InitialStack stack = new(memory, abi.StackTop - (ulong)abi.WordSize);
        ulong executableName = stack.PushString(PathText.ToBytes(executionPath));
        ulong[] environmentAddresses = [.. Enumerable.Reverse(environment).Select(stack.PushString).ToArray().Reverse()];
        ulong[] argumentAddresses = [.. Enumerable.Reverse(arguments).Select(stack.PushString).ToArray().Reverse()];
        ulong platform = stack.PushString(PathText.ToBytes(abi.Platform));
        byte[] randomBytes = new byte[16];
        process.System.FillRandom(randomBytes);
        ulong random = stack.Push(randomBytes);
        uint user = Libc.GetUser(), effectiveUser = Libc.GetEffectiveUser(), group = Libc.GetGroup(), effectiveGroup = Libc.GetEffectiveGroup();
        ulong entry = image.Entry + bias;
        ulong stackPointer = stack.Finish(
            argumentAddresses,
            environmentAddresses,
            [
                (AuxiliaryType.HardwareCapabilities, process.System.HardwareCapabilities),
                (AuxiliaryType.PageSize, AddressSpace.PageSize),
                (AuxiliaryType.ClockTicks, 100),
                (AuxiliaryType.ProgramHeaders, image.HeadersAddress == 0 ? 0 : image.HeadersAddress + bias),
                (AuxiliaryType.ProgramHeaderSize, (ulong)image.HeaderSize),
                (AuxiliaryType.ProgramHeaderCount, (ulong)image.HeaderCount),
                (AuxiliaryType.Base, linkerBias),
                (AuxiliaryType.Flags, 0),
                (AuxiliaryType.Entry, entry),
                (AuxiliaryType.UserId, user),
                (AuxiliaryType.EffectiveUserId, effectiveUser),
                (AuxiliaryType.GroupId, group),
                (AuxiliaryType.EffectiveGroupId, effectiveGroup),
                (AuxiliaryType.Secure, 0),
                (AuxiliaryType.Random, random),
                (AuxiliaryType.HardwareCapabilities2, process.System.HardwareCapabilities2),
                (AuxiliaryType.ExecutableName, executableName),
                (AuxiliaryType.Platform, platform),
                (AuxiliaryType.MinimumSignalStack, (ulong)SignalFrame.MinimumStack),
            ],
            out byte[] vector);
        if (stackPointer == 0)
        {
            return null;
        }

        byte[] commandLine = [.. arguments.SelectMany(text => text.Append((byte)0))];
        ulong start = linker == null ? entry : linker.Entry + linkerBias;
        return new LoadedProgram(memory, start, stackPointer, realPath, commandLine, vector);
    }

    static ReadAt Reader(HostFile file) => (offset, buffer) => (int)Math.Max(FileReader.Read(file, (long)offset, buffer), 0);
}
