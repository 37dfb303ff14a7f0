using FastVcpu.State;

namespace FastVcpu;

/// <summary>The general registers, RIP and RFLAGS of a vCPU (as <c>struct kvm_regs</c>), 64 bits each in every mode.</summary>
public sealed unsafe class RegisterFile
{
    readonly Vcpu cpu;

    internal RegisterFile(Vcpu cpu) => this.cpu = cpu;

    /// <summary>Accumulator.</summary>
    public ulong Rax { get => Get(0); set => Set(0, value); }

    /// <summary>Counter.</summary>
    public ulong Rcx { get => Get(1); set => Set(1, value); }

    /// <summary>Data.</summary>
    public ulong Rdx { get => Get(2); set => Set(2, value); }

    /// <summary>Base.</summary>
    public ulong Rbx { get => Get(3); set => Set(3, value); }

    /// <summary>Stack pointer.</summary>
    public ulong Rsp { get => Get(4); set => Set(4, value); }

    /// <summary>Frame pointer.</summary>
    public ulong Rbp { get => Get(5); set => Set(5, value); }

    /// <summary>Source index.</summary>
    public ulong Rsi { get => Get(6); set => Set(6, value); }

    /// <summary>Destination index.</summary>
    public ulong Rdi { get => Get(7); set => Set(7, value); }

    /// <summary>General register 8.</summary>
    public ulong R8 { get => Get(8); set => Set(8, value); }

    /// <summary>General register 9.</summary>
    public ulong R9 { get => Get(9); set => Set(9, value); }

    /// <summary>General register 10.</summary>
    public ulong R10 { get => Get(10); set => Set(10, value); }

    /// <summary>General register 11.</summary>
    public ulong R11 { get => Get(11); set => Set(11, value); }

    /// <summary>General register 12.</summary>
    public ulong R12 { get => Get(12); set => Set(12, value); }

    /// <summary>General register 13.</summary>
    public ulong R13 { get => Get(13); set => Set(13, value); }

    /// <summary>General register 14.</summary>
    public ulong R14 { get => Get(14); set => Set(14, value); }

    /// <summary>General register 15.</summary>
    public ulong R15 { get => Get(15); set => Set(15, value); }

    /// <summary>Instruction pointer, relative to the base of CS.</summary>
    public ulong Rip { get => cpu.State->Rip; set => cpu.SetRip(value); }

    /// <summary>Flags. Bit 1 is always one; reserved bits read as zero.</summary>
    public ulong Rflags { get => cpu.GetRflags(); set => cpu.SetRflags(value); }

    /// <summary>A general register by its number in instruction encodings: RAX RCX RDX RBX RSP RBP RSI RDI R8–R15.</summary>
    /// <param name="number">0 to 15.</param>
    public ulong this[int number] { get => Get(number); set => Set(number, value); }

    ulong Get(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 15u, nameof(number));
        return (&cpu.State->Rax)[number];
    }

    void Set(int number, ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 15u, nameof(number));
        (&cpu.State->Rax)[number] = value;
    }
}
