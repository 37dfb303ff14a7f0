using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux.SystemCalls;

/// <summary>A system call being made: its arguments, and what handlers need to serve it. One for each thread.</summary>
sealed class SystemCallContext(GuestThread thread)
{
    /// <summary>AT_FDCWD.</summary>
    public const int CurrentDirectory = -100;

    readonly ulong[] _arguments = new ulong[6];

    public GuestThread Thread => thread;

    public GuestProcess Process => thread.Process;

    public LinuxSystem System => thread.System;

    public GuestMemory Memory => thread.Process.Memory;

    /// <summary>The ABI of the call, which is not that of the program when 64-bit code uses INT 80h.</summary>
    public LinuxAbi Abi { get; private set; } = LinuxAbi.Amd64;

    public SystemCall Call { get; private set; } = null!;

    public ulong Number { get; private set; }

    /// <summary>The handler has set all registers itself (sigreturn, execve).</summary>
    public bool KeepsRegisters { get; set; }

    /// <summary>An argument as an address or a size.</summary>
    public ulong this[int index] => _arguments[index];

    /// <summary>An argument as an int.</summary>
    public int Int(int index) => (int)_arguments[index];

    /// <summary>An argument as an unsigned int.</summary>
    public uint UInt(int index) => (uint)_arguments[index];

    /// <summary>An argument as a long.</summary>
    public long Long(int index) => Abi.Long(_arguments[index]);

    /// <summary>A 64-bit argument, which takes two registers in i386.</summary>
    public long Wide(int index) => Abi.Is64 ? (long)_arguments[index] : (long)(_arguments[index] | _arguments[index + 1] << 32);

    /// <summary>Number of registers that a 64-bit argument takes.</summary>
    public int WideSize => Abi.Is64 ? 1 : 2;

    /// <summary>Whether times have 64-bit fields.</summary>
    public bool HasWideTime => Abi.Is64 || Call.HasWideTime;

    public void Begin(SystemCall call, ulong number, LinuxAbi abi, ReadOnlySpan<ulong> arguments)
    {
        Call = call;
        Number = number;
        Abi = abi;
        KeepsRegisters = false;
        for (int i = 0; i < _arguments.Length; i++)
        {
            _arguments[i] = abi.Address(arguments[i]);
        }
    }

    /// <summary>Gives arguments other places, for a call that is a special case of another.</summary>
    public void Shift(params ReadOnlySpan<ulong> arguments)
    {
        arguments.CopyTo(_arguments);
        _arguments.AsSpan(arguments.Length).Clear();
    }

    /// <summary>The open file of a descriptor argument, or null (EBADF).</summary>
    public OpenFile? File(int index) => Process.Descriptors[Int(index)];

    /// <summary>Reads a path argument. Returns 0 or a negated error number.</summary>
    public long ReadPath(int index, out string path)
    {
        long error = Memory.ReadString(_arguments[index], GuestMemory.MaxPath, Errno.ENAMETOOLONG, out byte[] text);
        path = PathText.FromBytes(text);
        return error;
    }

    /// <summary>The directory that a descriptor argument means; with an index of -1 the working directory.</summary>
    public GuestDirectory? Directory(int index, out long error)
    {
        error = 0;
        int descriptor = index < 0 ? CurrentDirectory : Int(index);
        if (descriptor == CurrentDirectory)
        {
            return Process.Files.WorkingDirectory;
        }

        OpenFile? file = Process.Descriptors[descriptor];
        error = file == null ? -Errno.EBADF : file.Directory == null ? -Errno.ENOTDIR : 0;
        return file?.Directory;
    }

    /// <summary>Resolves a path argument relative to a directory argument (-1: the working directory).</summary>
    public Location? Resolve(int directoryIndex, int pathIndex, bool followLast, out long error)
    {
        error = ReadPath(pathIndex, out string path);
        return error < 0 ? null : Resolve(directoryIndex, path, followLast, out error);
    }

    /// <summary>Resolves a path relative to a directory argument. An absolute path does not look at the descriptor.</summary>
    public Location? Resolve(int directoryIndex, string path, bool followLast, out long error)
    {
        GuestDirectory? start = Process.Files.WorkingDirectory;
        error = 0;
        if (!path.StartsWith('/'))
        {
            start = Directory(directoryIndex, out error);
        }

        return start == null ? null : Process.Paths.Resolve(start, path, followLast, out error);
    }

    /// <summary>A writer for a structure of this call's ABI.</summary>
    public StructWriter Struct(Span<byte> buffer) => new(buffer, Abi);

    /// <summary>A reader for a structure of this call's ABI.</summary>
    public StructReader Reader(ReadOnlySpan<byte> bytes) => new(bytes, Abi);

    /// <summary>Writes to the guest; 0 or EFAULT.</summary>
    public long Write(ulong address, ReadOnlySpan<byte> bytes) => Memory.TryWrite(address, bytes) ? 0 : -Errno.EFAULT;

    /// <summary>Writes an int to the guest; 0 or EFAULT.</summary>
    public long WriteInt(ulong address, int value) => Memory.TryWrite(address, value) ? 0 : -Errno.EFAULT;
}
