using FastVcpu.Machine.Boot;

namespace FastVcpu.Machine.Tests.Devices;

/// <summary>REP INS whose destination is not memory: each element that the port has given goes to the device there, once.</summary>
public class StringInputTests
{
    const ushort Port = 0x1234;
    const uint Place = 0xE8000FF0, Code = 0x200000;

    [Theory]
    [InlineData(0x6C, 1)]
    [InlineData(0x6D, 4)]
    public void EachElementArrivesOnce(byte opcode, int size)
    {
        const int Count = 9;
        using BootMachine machine = new(new BootOptions { Kernel = [0xF4], Memory = 4 << 20, Clock = new InstructionClock() });
        Recorder source = new(), sink = new();
        machine.Vm.AttachPorts(Port, 4, source);
        machine.Vm.AttachMemory(Place, 0x1000, sink);
        machine.Vm.TryWritePhysical(Code, new byte[] { 0xF3, opcode, 0xFA, 0xF4 });
        (machine.Cpu.Regs.Rip, machine.Cpu.Regs.Rcx, machine.Cpu.Regs.Rdx, machine.Cpu.Regs.Rdi) = (Code, Count, Port, Place);
        Assert.Equal(BootEnd.Halted, machine.Run(100).End);
        Assert.Equal(0u, machine.Cpu.Regs.Rcx);
        Assert.Equal(Place + (ulong)(Count * size), machine.Cpu.Regs.Rdi);
        Assert.Equal(Count, source.Reads);
        Assert.Equal(Enumerable.Range(1, Count).Select(i => ((ulong)((i - 1) * size), (byte)i)), sink.Written);
    }

    /// <summary>Gives 1, 2, 3 … and keeps what is written.</summary>
    sealed class Recorder : IDevice
    {
        public int Reads { get; private set; }

        public List<(ulong Offset, byte Value)> Written { get; } = [];

        public void Read(ulong offset, Span<byte> data) => data[0] = (byte)++Reads;

        public void Write(ulong offset, ReadOnlySpan<byte> data) => Written.Add((offset, data[0]));
    }
}
