using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu;

/// <summary>The x87 unit and MXCSR of a vCPU (as <c>struct kvm_fpu</c>).</summary>
public sealed unsafe class FpuState
{
    readonly Vcpu cpu;

    internal FpuState(Vcpu cpu) => this.cpu = cpu;

    /// <summary>FCW. Reserved bits are not kept.</summary>
    public ushort ControlWord
    {
        get => cpu.State->FpuControl;
        set
        {
            cpu.State->FpuControl = FpuControl.Sanitize(value);
            FpuStack.UpdatePending(cpu.State);
        }
    }

    /// <summary>FSW; TOP is bits 11–13. ES and B follow from the exceptions and their masks.</summary>
    public ushort StatusWord
    {
        get => cpu.State->FpuStatus;
        set
        {
            cpu.State->FpuStatus = value;
            FpuStack.UpdatePending(cpu.State);
        }
    }

    /// <summary>One bit for each physical register, set when it is not empty.</summary>
    public byte AbridgedTag { get => cpu.State->FpuTag; set => cpu.State->FpuTag = value; }

    /// <summary>FOP: opcode of the last x87 instruction, 11 bits.</summary>
    public ushort LastOpcode { get => cpu.State->FpuOpcode; set => cpu.State->FpuOpcode = value; }

    /// <summary>FIP: address of the last x87 instruction.</summary>
    public ulong LastInstructionPointer { get => cpu.State->FpuInstructionPointer; set => cpu.State->FpuInstructionPointer = value; }

    /// <summary>FDP: address of its memory operand.</summary>
    public ulong LastDataPointer { get => cpu.State->FpuDataPointer; set => cpu.State->FpuDataPointer = value; }

    /// <summary>Control and status of SSE.</summary>
    /// <exception cref="ArgumentException">A reserved bit is set.</exception>
    public uint Mxcsr
    {
        get => cpu.State->Mxcsr;
        set
        {
            const uint Mask = 0x2FFFF;
            if ((value & ~Mask) != 0)
            {
                throw new ArgumentException($"MXCSR {value:x}h has reserved bits set.", nameof(value));
            }
            cpu.State->Mxcsr = value;
        }
    }

    /// <summary>The ten bytes of a physical register, lowest first; a live view.</summary>
    /// <param name="number">0 to 7, not relative to TOP.</param>
    public Span<byte> Register(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 7u, nameof(number));
        return new Span<byte>(&cpu.State->FirstFpr + number * 16, 10);
    }
}
