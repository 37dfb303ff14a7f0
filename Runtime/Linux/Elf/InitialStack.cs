using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Elf;

/// <summary>
/// Builds the stack that a program starts with: from its top downwards the strings, then the auxiliary vector, the environment, the
/// arguments and their count, to which the stack pointer points.
/// </summary>
sealed class InitialStack(GuestMemory memory, ulong top)
{
    readonly LinuxAbi _abi = memory.Abi;
    ulong _position = top;

    /// <summary>Puts bytes on the stack; returns their address, or 0 when the stack is full.</summary>
    public ulong Push(ReadOnlySpan<byte> bytes)
    {
        _position -= (ulong)bytes.Length;
        return memory.TryWrite(_position, bytes) ? _position : 0;
    }

    /// <summary>Puts a C string on the stack.</summary>
    public ulong PushString(byte[] text) => Push([.. text, 0]);

    /// <summary>
    /// Puts the tables on the stack; returns the stack pointer, aligned to 16, or 0 when the stack is full.
    /// </summary>
    /// <param name="arguments">Addresses of the arguments.</param>
    /// <param name="environment">Addresses of the environment strings.</param>
    /// <param name="auxiliary">The auxiliary vector without its end.</param>
    /// <param name="vector">The bytes of the auxiliary vector, as /proc/self/auxv shows them.</param>
    public ulong Finish(IReadOnlyList<ulong> arguments, IReadOnlyList<ulong> environment, IReadOnlyList<(ulong Type, ulong Value)> auxiliary, out byte[] vector)
    {
        StructWriter auxiliaryWriter = new(new byte[(auxiliary.Count + 1) * 2 * _abi.WordSize], _abi);
        foreach ((ulong type, ulong value) in auxiliary)
        {
            auxiliaryWriter.Word(type);
            auxiliaryWriter.Word(value);
        }

        auxiliaryWriter.Word(AuxiliaryType.Null);
        auxiliaryWriter.Word(0UL);
        vector = auxiliaryWriter.Written.ToArray();
        StructWriter tables = new(new byte[(arguments.Count + environment.Count + 3) * _abi.WordSize + vector.Length], _abi);
        tables.Word(arguments.Count);
        WriteList(ref tables, arguments);
        WriteList(ref tables, environment);
        tables.Bytes(vector);
        _position = (_position - (ulong)tables.Position) & ~15UL;
        return memory.TryWrite(_position, tables.Written) ? _position : 0;
    }

    static void WriteList(ref StructWriter writer, IReadOnlyList<ulong> addresses)
    {
        foreach (ulong address in addresses)
        {
            writer.Word(address);
        }

        writer.Word(0UL);
    }
}
