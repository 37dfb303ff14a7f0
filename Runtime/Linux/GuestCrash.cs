using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux;

/// <summary>The state of a guest thread when an exception of its CPU killed the process.</summary>
public sealed record GuestCrash
{
    const int CodeBefore = 48, CodeAfter = 48, Registers = 16;

    /// <summary>Number of the process in the guest.</summary>
    public required int ProcessId { get; init; }

    /// <summary>Path of the program in the guest.</summary>
    public required string Program { get; init; }

    /// <summary>The signal that killed it.</summary>
    public required int Signal { get; init; }

    /// <summary>The words that a shell prints, such as "Segmentation fault".</summary>
    public string Description => Abi.Signal.Description(Signal);

    /// <summary>Vector of the exception.</summary>
    public required int Vector { get; init; }

    /// <summary>Its error code.</summary>
    public required uint ErrorCode { get; init; }

    /// <summary>The address of a page fault.</summary>
    public required ulong Address { get; init; }

    /// <summary>32 or 64.</summary>
    public required int Bits { get; init; }

    /// <summary>Instruction pointer.</summary>
    public required ulong InstructionPointer { get; init; }

    /// <summary>RFLAGS.</summary>
    public required ulong Flags { get; init; }

    /// <summary>RAX RCX RDX RBX RSP RBP RSI RDI R8–R15.</summary>
    public required IReadOnlyList<ulong> GeneralRegisters { get; init; }

    /// <summary>Base of FS.</summary>
    public required ulong FsBase { get; init; }

    /// <summary>Base of GS.</summary>
    public required ulong GsBase { get; init; }

    /// <summary>Bytes of code around the instruction pointer; empty when it points nowhere.</summary>
    public required ReadOnlyMemory<byte> Code { get; init; }

    /// <summary>Address of the first byte of <see cref="Code"/>.</summary>
    public required ulong CodeAddress { get; init; }

    /// <summary>File and offset that the instruction pointer lies in, as "libc.so.6+0x1234", or an empty text.</summary>
    public required string Place { get; init; }

    internal static GuestCrash Of(GuestThread thread, SignalInfo info, VcpuExit exit)
    {
        Vcpu cpu = thread.Cpu;
        ulong rip = cpu.Regs.Rip;
        AddressSpace space = thread.Process.Memory.Space;
        ulong start = rip;
        while (start > rip - CodeBefore && start > 0 && space.IsMapped(start - 1, 1))
        {
            start--;
        }

        ulong end = rip;
        while (end < rip + CodeAfter && space.IsMapped(end, 1))
        {
            end++;
        }

        byte[] code = new byte[end > rip ? end - start : 0];
        space.TryRead(start, code);
        Memory.GuestMapping? mapping = thread.Process.Memory.Mappings.Find(entry => entry.Start <= rip && rip < entry.End);
        return new GuestCrash
        {
            ProcessId = thread.Process.Id,
            Program = PathText.ToUnicode(thread.Process.Program.Path),
            Signal = info.Signal,
            Vector = exit.Vector,
            ErrorCode = exit.ErrorCode,
            Address = exit.Address,
            Bits = thread.Process.Abi.Is64 ? 64 : 32,
            InstructionPointer = rip,
            Flags = cpu.Regs.Rflags,
            GeneralRegisters = [.. Enumerable.Range(0, Registers).Select(number => cpu.Regs[number])],
            FsBase = cpu.Segments.Fs.Base,
            GsBase = cpu.Segments.Gs.Base,
            Code = code,
            CodeAddress = start,
            Place = mapping is { Name.Length: > 0 } ? $"{PathText.ToUnicode(mapping.Name)}+0x{rip - mapping.Start + mapping.Offset:x}" : "",
        };
    }
}
