using Iced.Intel;

namespace FastVcpu.Tests;

/// <summary>
/// A system vCPU in real mode with 1 MiB of memory: code at <see cref="Code"/>, the stack below <see cref="Stack"/>, all segments 0. Each
/// vector leads to an IRET of its own at <see cref="Handler"/>.
/// </summary>
sealed class RealMachine : IDisposable
{
    public const ushort Code = 0x1000, Stack = 0x8000, Data = 0x9000, SmBase = 0xA000;
    public const ulong Size = 1 << 20;
    const int FirstHandler = 0x3000, HandlerSize = 16;
    const byte Iret = 0xCF;

    public RealMachine(Action<Assembler> code, CpuModel? model = null, Clock? clock = null, Action<VirtualMachine>? devices = null)
        : this(Guest.Assemble(16, code, Code), model, clock, devices)
    {
    }

    public RealMachine(byte[] code, CpuModel? model = null, Clock? clock = null, Action<VirtualMachine>? devices = null)
    {
        Vm = new VirtualMachine(clock ?? new RealClock());
        devices?.Invoke(Vm);
        Vm.AllocateMemory(0, 0, Size);
        for (int vector = 0; vector < 256; vector++)
        {
            Write((uint)vector * 4, (byte)Handler(vector), (byte)(Handler(vector) >> 8), 0, 0);
            Write(Handler(vector), Iret);
        }
        Write(Code, code);
        CodeEnd = (ulong)(Code + code.Length);
        Cpu = Vm.CreateVcpu(model ?? CpuModel.Max);
        foreach (int segment in Enumerable.Range(0, 6))
        {
            Cpu.Segments.SetReal(segment, 0);
        }
        Cpu.Regs.Rip = Code;
        Cpu.Regs.Rsp = Stack;
    }

    public VirtualMachine Vm { get; }

    public Vcpu Cpu { get; }

    public RegisterFile Regs => Cpu.Regs;

    public ulong CodeEnd { get; }

    /// <summary>Address of a vector's handler.</summary>
    public static uint Handler(int vector) => (uint)(FirstHandler + vector * HandlerSize);

    /// <summary>Replaces a vector's handler.</summary>
    public void SetHandler(int vector, Action<Assembler> code) => Write(Handler(vector), Guest.Assemble(16, code, Handler(vector)));

    public void Write(ulong address, params byte[] bytes) => Assert.True(Vm.TryWritePhysical(address, bytes));

    public byte[] Read(ulong address, int count)
    {
        byte[] bytes = new byte[count];
        Assert.True(Vm.TryReadPhysical(address, bytes));
        return bytes;
    }

    public ushort Word(ulong address) => BitConverter.ToUInt16(Read(address, 2));

    /// <summary>The words of the topmost frame: IP, CS, FLAGS.</summary>
    public (ushort Ip, ushort Cs, ushort Flags) Frame => (Word(Regs.Rsp), Word(Regs.Rsp + 2), Word(Regs.Rsp + 4));

    public VcpuExit Run(long instructions = 1000) => Cpu.Run(instructions);

    /// <summary>One step of a debugger.</summary>
    public VcpuExit Step(GuestDebugFlags flags = GuestDebugFlags.None, DebugRegisters? breakpoints = null)
    {
        Cpu.SetGuestDebug(GuestDebugFlags.Enable | GuestDebugFlags.SingleStep | flags, breakpoints ?? DebugRegisters.Reset);
        return Cpu.Run();
    }

    /// <summary>Asserts a DEBUG exit of a step at an address.</summary>
    public void StepsTo(ulong rip, GuestDebugFlags flags = GuestDebugFlags.None)
    {
        VcpuExit exit = Step(flags);
        Assert.Equal(ExitReason.Debug, exit.Reason);
        Assert.Equal(rip, Regs.Rip);
        Assert.Equal(new DebugExit(1, rip, 0xFFFF4FF0, 0x400), exit.Debug);
    }

    public void Dispose() => Vm.Dispose();
}
