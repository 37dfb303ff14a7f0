using System.Buffers.Binary;

namespace FastVcpu.Linux;

/// <summary>Calls of functions in a guest, as its ABI passes integers and pointers.</summary>
static class GuestCall
{
    /// <summary>Where functions return to: nothing is there, so that the return ends the run.</summary>
    public const ulong ReturnAddress = 0xF000;

    /// <summary>Of the stack pointer in front of a call, in both ABIs.</summary>
    const ulong StackAlignment = 16;

    /// <summary>Gets a CPU ready to run a function. A stack that cannot be written is the guest's to fault at.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="word">Bytes of a pointer.</param>
    /// <param name="stackPointer">Below it is the call's stack.</param>
    /// <param name="function">Its address.</param>
    /// <param name="arguments">Its arguments.</param>
    public static void Prepare(Vcpu cpu, int word, ulong stackPointer, ulong function, ReadOnlySpan<ulong> arguments)
    {
        RegisterFile regs = cpu.Regs;
        int inRegisters = Math.Min(arguments.Length, word == sizeof(ulong) ? 6 : 0);
        for (int i = 0; i < inRegisters; i++)
        {
            _ = i switch
            {
                0 => regs.Rdi = arguments[0],
                1 => regs.Rsi = arguments[1],
                2 => regs.Rdx = arguments[2],
                3 => regs.Rcx = arguments[3],
                4 => regs.R8 = arguments[4],
                _ => regs.R9 = arguments[5],
            };
        }

        ReadOnlySpan<ulong> pushed = arguments[inRegisters..];
        ulong top = (stackPointer - (ulong)(pushed.Length * word)) & ~(StackAlignment - 1);
        for (int i = 0; i < pushed.Length; i++)
        {
            WriteWord(cpu.Space!, top + (ulong)(i * word), pushed[i], word);
        }

        regs.Rax = 0;
        regs.Rsp = top - (ulong)word;
        WriteWord(cpu.Space!, regs.Rsp, ReturnAddress, word);
        regs.Rip = function;
    }

    static void WriteWord(AddressSpace space, ulong address, ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        space.TryWrite(address, bytes[..size]);
    }
}
