using System.Runtime.InteropServices;

namespace FastVcpu.Cli.Conform;

/// <summary>Runs vectors of the mode x16: real mode, interrupts delivered through the vector table.</summary>
sealed class RealModeMachine : VectorMachine
{
    /// <summary>All that real-mode addresses reach with A20 open, in whole pages.</summary>
    const int MemoryLength = 0x110000;
    /// <summary>Segment registers by their numbers in instructions.</summary>
    const int Es = 0, Cs = 1, Ss = 2, Ds = 3;

    readonly VirtualMachine machine = new();
    readonly Vcpu cpu;
    readonly MemoryRegion[] regions;

    public RealModeMachine(CpuModel model)
    {
        byte[] memory = new byte[MemoryLength];
        machine.MapMemory(0, 0, memory);
        regions = [new MemoryRegion(0, memory, 0)];
        cpu = machine.CreateVcpu(model);
    }

    public override IReadOnlyList<MemoryRegion> Regions => regions;

    public override void Dispose()
    {
        cpu.Dispose();
        machine.Dispose();
    }

    protected override void Write(ulong address, ReadOnlySpan<byte> bytes) => machine.TryWritePhysical(address, bytes);

    protected override VectorException Execute(Vector vector)
    {
        long retired = 0;
        while (true)
        {
            VcpuExit exit = cpu.Run(1 - retired);
            retired += exit.InstructionsRetired;
            switch (exit.Reason)
            {
                case ExitReason.InstructionLimit:
                    return vector.Exception;
                case ExitReason.Hlt:
                    if (vector.Exception.IsDelivered)
                    {
                        // Handlers begin with a HLT. An instruction that faults does not retire, so that the HLT was the one that did.
                        cpu.Regs.Rip = (ushort)(cpu.Regs.Rip - 1);
                    }

                    return vector.Exception;
                case ExitReason.Io:
                    // Nothing answers on the bus of the recording: all ones.
                    cpu.IoData.Fill(0xFF);
                    break;
                default:
                    return VectorException.None with { OtherExit = exit.Reason };
            }
        }
    }

    protected override void SetRegisters(byte[] image)
    {
        ReadOnlySpan<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(image.AsSpan(0, RegisterImage.FsBase));
        RegisterFile registers = cpu.Regs;
        for (int i = 0; i < 8; i++)
        {
            registers[i] = numbers[i];
        }

        registers.Rip = numbers[RegisterImage.Rip / 8];
        registers.Rflags = numbers[RegisterImage.Rflags / 8];
        ReadOnlySpan<ushort> selectors = MemoryMarshal.Cast<byte, ushort>(image.AsSpan(RegisterImage.Selectors, 8));
        SegmentFile segments = cpu.Segments;
        segments.SetReal(Cs, selectors[0]);
        segments.SetReal(Ss, selectors[1]);
        segments.SetReal(Ds, selectors[2]);
        segments.SetReal(Es, selectors[3]);
    }

    protected override void GetRegisters(byte[] image)
    {
        Span<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(image.AsSpan(0, RegisterImage.FsBase));
        RegisterFile registers = cpu.Regs;
        for (int i = 0; i < 8; i++)
        {
            numbers[i] = registers[i];
        }

        numbers[RegisterImage.Rip / 8] = registers.Rip;
        numbers[RegisterImage.Rflags / 8] = registers.Rflags;
        Span<ushort> selectors = MemoryMarshal.Cast<byte, ushort>(image.AsSpan(RegisterImage.Selectors, 8));
        SegmentFile segments = cpu.Segments;
        selectors[0] = segments.Cs.Selector;
        selectors[1] = segments.Ss.Selector;
        selectors[2] = segments.Ds.Selector;
        selectors[3] = segments.Es.Selector;
    }
}
