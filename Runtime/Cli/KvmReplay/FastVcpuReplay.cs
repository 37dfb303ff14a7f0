namespace FastVcpu.Cli.KvmReplay;

/// <summary>The machine on FastVcpu.</summary>
sealed class FastVcpuReplay : ReplayMachine
{
    /// <summary>No scenario needs as many; one that never ends is cut off.</summary>
    const long Limit = 100_000;

    readonly VirtualMachine vm = new();
    readonly Vcpu cpu;
    bool lastIsMmio;

    public FastVcpuReplay()
    {
        vm.AllocateMemory(0, 0, RamSize);
        cpu = vm.CreateVcpu(CpuModel.Max);
        for (int segment = 0; segment < 6; segment++)
        {
            cpu.Segments.SetReal(segment, 0);
        }
    }

    public override ReplayRegisters Registers
    {
        get
        {
            GeneralRegisters r = cpu.Registers;
            return new(r.Rax, r.Rbx, r.Rcx, r.Rdx, r.Rsi, r.Rdi, r.Rsp, r.Rip, r.Rflags);
        }
        set => cpu.Registers = new GeneralRegisters
        {
            Rax = value.Rax,
            Rbx = value.Rbx,
            Rcx = value.Rcx,
            Rdx = value.Rdx,
            Rsi = value.Rsi,
            Rdi = value.Rdi,
            Rsp = value.Rsp,
            Rip = value.Rip,
            Rflags = value.Rflags,
        };
    }

    public override DebugRegisters GuestBreakpoints { get => cpu.DebugRegisters; set => cpu.DebugRegisters = value; }

    public override string Events => $"NMIs {cpu.Events.Nmi.Pending}, masked {(cpu.Events.Nmi.IsMasked ? 1 : 0)}, shadow {(int)cpu.Events.Interrupt.Shadow}";

    public override bool ImmediateExit { set => cpu.ImmediateExit = value; }

    public override bool RequestWindow { set => cpu.RequestInterruptWindow = value; }

    public override bool IsReady => cpu.IsReadyForInterruptInjection;

    public override uint Capability => (uint)Vcpu.SupportedGuestDebug;

    public override void Write(int address, ReadOnlySpan<byte> bytes) => vm.TryWritePhysical((ulong)address, bytes);

    public override void Read(int address, Span<byte> bytes) => vm.TryReadPhysical((ulong)address, bytes);

    public override string Run()
    {
        VcpuExit exit = cpu.Run(Limit);
        lastIsMmio = exit.Reason == ExitReason.Mmio;
        return exit.Reason switch
        {
            ExitReason.Debug => DebugText(exit.Vector, exit.Debug.Pc, exit.Debug.Dr6),
            ExitReason.Io => $"IO {(exit.IsWrite ? "out" : "in")} port {exit.Port:x} size {exit.Size} count {exit.Count}",
            ExitReason.Mmio => $"MMIO {(exit.IsWrite ? "write" : "read")} {exit.Address:x} size {exit.Size}",
            ExitReason.Hlt => "HLT",
            ExitReason.InterruptWindowOpen => "IRQ_WINDOW_OPEN",
            ExitReason.Shutdown => "SHUTDOWN",
            ExitReason.Interrupted => "INTR",
            _ => exit.Reason.ToString(),
        };
    }

    public override void Answer(byte value) => (lastIsMmio ? cpu.MmioData : cpu.IoData)[0] = value;

    public override string SetGuestDebug(uint control, DebugRegisters breakpoints)
    {
        try
        {
            cpu.SetGuestDebug((GuestDebugFlags)control, breakpoints);
            return "ok";
        }
        catch (ArgumentException)
        {
            return "EINVAL";
        }
        catch (InvalidOperationException)
        {
            return "EBUSY";
        }
    }

    public override string Interrupt(uint vector)
    {
        try
        {
            cpu.Interrupt((int)vector);
            return "ok";
        }
        catch (ArgumentException)
        {
            return "EINVAL";
        }
    }

    public override void Nmi() => cpu.Nmi();

    public override void SetShadow(int shadow) => cpu.Events = cpu.Events with { Interrupt = cpu.Events.Interrupt with { Shadow = (InterruptShadow)shadow } };

    public override void Dispose() => vm.Dispose();
}
