using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>Makes vCPUs for guest threads.</summary>
static class Processor
{
    const int GeneralRegisters = 16, SegmentRegisters = 6, FpuRegisters = 8, VectorRegisters = 32;

    /// <summary>A CPU at the start of a program.</summary>
    public static Vcpu Create(LinuxOptions options, LoadedProgram program)
    {
        (AddressSpace space, CodeSize size) = (program.Memory.Space, CodeSizeOf(program.Memory));
        Vcpu cpu = options.Clock is { } clock ? new Vcpu(options.CpuModel, space, size, clock) : new Vcpu(options.CpuModel, space, size);
        cpu.RandomSeed = options.RandomSeed;
        cpu.Regs.Rip = program.Entry;
        cpu.Regs.Rsp = program.StackPointer;
        return cpu;
    }

    /// <summary>A CPU with the registers of another one (clone).</summary>
    public static Vcpu Copy(Vcpu source, GuestMemory memory, ThreadDescriptors descriptors)
    {
        Vcpu copy = new(source.Model, memory.Space, CodeSizeOf(memory), source.Clock) { RandomSeed = source.RandomSeed };
        if (source.Clock is InstructionClock)
        {
            // They take turns, so what one of them does is part of the same way.
            (copy.Coverage, copy.CompareLog) = (source.Coverage, source.CompareLog);
        }

        descriptors.Install(copy);
        for (int i = 0; i < GeneralRegisters; i++)
        {
            copy.Regs[i] = source.Regs[i];
        }

        copy.Regs.Rip = source.Regs.Rip;
        copy.Regs.Rflags = source.Regs.Rflags;
        for (int i = 0; i < SegmentRegisters; i++)
        {
            copy.Segments[i] = source.Segments[i];
        }

        copy.Fpu.ControlWord = source.Fpu.ControlWord;
        copy.Fpu.StatusWord = source.Fpu.StatusWord;
        copy.Fpu.AbridgedTag = source.Fpu.AbridgedTag;
        copy.Fpu.LastOpcode = source.Fpu.LastOpcode;
        copy.Fpu.LastInstructionPointer = source.Fpu.LastInstructionPointer;
        copy.Fpu.LastDataPointer = source.Fpu.LastDataPointer;
        copy.Fpu.Mxcsr = source.Fpu.Mxcsr;
        for (int i = 0; i < FpuRegisters; i++)
        {
            source.Fpu.Register(i).CopyTo(copy.Fpu.Register(i));
        }

        for (int i = 0; i < VectorRegisters; i++)
        {
            source.VectorRegister(i).CopyTo(copy.VectorRegister(i));
        }

        return copy;
    }

    static CodeSize CodeSizeOf(GuestMemory memory) => memory.Abi.Is64 ? CodeSize.Bits64 : CodeSize.Bits32;
}
