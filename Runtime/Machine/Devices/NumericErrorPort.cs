namespace FastVcpu.Machine.Devices;

/// <summary>
/// The coprocessor's error logic of a PC/AT: FERR# of the processors drives an interrupt line; a write to F0h takes the line back and asserts IGNNE# for as
/// long as the error is pending (SDM Vol. 1 appendix D).
/// </summary>
/// <param name="vm">The machine.</param>
/// <param name="line">Its interrupt line.</param>
public sealed class NumericErrorPort(VirtualMachine vm, Action<bool> line) : IDevice
{
    /// <summary>Its port.</summary>
    public const ushort Port = 0xF0;

    /// <summary>A processor waits because of an error (<see cref="ExitReason.NumericError"/>): it sleeps up to an interrupt, and then tries its instruction again.</summary>
    public void Report(Vcpu cpu)
    {
        line(true);
        cpu.MpState = MpState.Halted;
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data.Fill(0xFF);

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        line(false);
        foreach (Vcpu cpu in vm.Vcpus)
        {
            cpu.IgnoreNumericError = true;
        }
    }
}
