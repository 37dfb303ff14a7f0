using System.Buffers.Binary;

namespace FastVcpu.Cli.KvmReplay;

/// <summary>The machine on the kernel's KVM.</summary>
sealed unsafe class KernelReplay : ReplayMachine
{
    // Offsets in struct kvm_run.
    const int RunImmediateExit = 1, RunReason = 8, RunReady = 12, RunUnion = 32;
    const int ExitIo = 2, ExitDebug = 4, ExitHlt = 5, ExitMmio = 6, ExitWindow = 7, ExitShutdown = 8, ExitIntr = 10, ExitInternalError = 17;
    const int RegistersSize = 0x90, SystemSize = 0x138, EventsSize = 64, DebugSize = 128;

    readonly int device, vm, cpu, runSize;
    readonly byte* memory, run;

    public KernelReplay()
    {
        device = KvmCalls.Open();
        if (device < 0)
        {
            throw new InputException($"{KvmCalls.Device} cannot be opened.");
        }
        vm = KvmCalls.Do(device, KvmCalls.CreateVm, null);
        // Only needed, and only known, on Intel.
        KvmCalls.Try(vm, KvmCalls.SetTssAddress, (void*)0xFFFBD000);
        memory = KvmCalls.Map(RamSize, -1);
        ulong* region = stackalloc ulong[4];
        (region[0], region[1], region[2], region[3]) = (0, 0, RamSize, (ulong)memory);
        KvmCalls.Do(vm, KvmCalls.SetUserMemoryRegion, region);
        cpu = KvmCalls.Do(vm, KvmCalls.CreateVcpu, null);
        runSize = KvmCalls.Do(device, KvmCalls.GetVcpuMapSize, null);
        run = KvmCalls.Map((nuint)runSize, cpu);
        SetRealSegments();
    }

    public override ReplayRegisters Registers
    {
        get
        {
            ulong* r = stackalloc ulong[RegistersSize / 8];
            KvmCalls.Do(cpu, KvmCalls.GetRegs, r);
            return new(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[16], r[17]);
        }
        set
        {
            ulong* r = stackalloc ulong[RegistersSize / 8];
            new Span<ulong>(r, RegistersSize / 8).Clear();
            (r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[16], r[17]) = value;
            KvmCalls.Do(cpu, KvmCalls.SetRegs, r);
        }
    }

    public override DebugRegisters GuestBreakpoints
    {
        get
        {
            ulong* d = stackalloc ulong[DebugSize / 8];
            KvmCalls.Do(cpu, KvmCalls.GetDebugRegs, d);
            return new DebugRegisters(d[0], d[1], d[2], d[3], d[4], d[5]);
        }
        set
        {
            ulong* d = stackalloc ulong[DebugSize / 8];
            new Span<ulong>(d, DebugSize / 8).Clear();
            (d[0], d[1], d[2], d[3], d[4], d[5]) = (value.Dr0, value.Dr1, value.Dr2, value.Dr3, value.Dr6, value.Dr7);
            KvmCalls.Do(cpu, KvmCalls.SetDebugRegs, d);
        }
    }

    public override string Events
    {
        get
        {
            byte* e = stackalloc byte[EventsSize];
            KvmCalls.Do(cpu, KvmCalls.GetVcpuEvents, e);
            return $"NMIs {e[13]}, masked {e[14]}, shadow {e[11]}";
        }
    }

    public override bool ImmediateExit { set => run[RunImmediateExit] = value ? (byte)1 : (byte)0; }

    public override bool RequestWindow { set => run[0] = value ? (byte)1 : (byte)0; }

    public override bool IsReady => run[RunReady] != 0;

    public override uint Capability => (uint)KvmCalls.Do(device, KvmCalls.CheckExtension, (void*)KvmCalls.GuestDebugCapability);

    Span<byte> Union => new(run + RunUnion, 64);

    public override void Write(int address, ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>(memory + address, RamSize - address));

    public override void Read(int address, Span<byte> bytes) => new Span<byte>(memory + address, bytes.Length).CopyTo(bytes);

    public override string Run()
    {
        int result = KvmCalls.Try(cpu, KvmCalls.Run, null);
        if (result < 0)
        {
            return result == -KvmCalls.Interrupted ? "INTR" : $"error {-result}";
        }
        int reason = *(int*)(run + RunReason);
        Span<byte> u = Union;
        return reason switch
        {
            ExitDebug => DebugText(U32(u), U64(u[8..]), U64(u[16..])),
            ExitIo => $"IO {(u[0] != 0 ? "out" : "in")} port {BinaryPrimitives.ReadUInt16LittleEndian(u[2..]):x} size {u[1]} count {U32(u[4..])}",
            ExitMmio => $"MMIO {(u[20] != 0 ? "write" : "read")} {U64(u):x} size {U32(u[16..])}",
            ExitHlt => "HLT",
            ExitWindow => "IRQ_WINDOW_OPEN",
            ExitShutdown => "SHUTDOWN",
            ExitIntr => "INTR",
            ExitInternalError => $"INTERNAL_ERROR {U32(u)}",
            _ => $"exit {reason}",
        };
    }

    public override void Answer(byte value)
    {
        if (*(int*)(run + RunReason) == ExitMmio)
        {
            Union[8] = value;
        }
        else
        {
            run[U64(Union[8..])] = value;
        }
    }

    public override string SetGuestDebug(uint control, DebugRegisters breakpoints)
    {
        ulong* debug = stackalloc ulong[9];
        (debug[0], debug[1], debug[2], debug[3], debug[4]) = (control, breakpoints.Dr0, breakpoints.Dr1, breakpoints.Dr2, breakpoints.Dr3);
        (debug[5], debug[6], debug[7], debug[8]) = (0, 0, 0, breakpoints.Dr7);
        return Result(KvmCalls.Try(cpu, KvmCalls.SetGuestDebug, debug));
    }

    public override string Interrupt(uint vector) => Result(KvmCalls.Try(cpu, KvmCalls.Interrupt, &vector));

    public override void Nmi() => KvmCalls.Do(cpu, KvmCalls.Nmi, null);

    public override void SetShadow(int shadow)
    {
        const uint ShadowIsValid = 4;
        byte* e = stackalloc byte[EventsSize];
        KvmCalls.Do(cpu, KvmCalls.GetVcpuEvents, e);
        e[11] = (byte)shadow;
        *(uint*)(e + 20) = ShadowIsValid;
        KvmCalls.Do(cpu, KvmCalls.SetVcpuEvents, e);
    }

    public override void Dispose()
    {
        KvmCalls.Unmap(run, (nuint)runSize);
        KvmCalls.Close(cpu);
        KvmCalls.Close(vm);
        KvmCalls.Close(device);
        KvmCalls.Unmap(memory, RamSize);
    }

    static string Result(int result) => result switch
    {
        >= 0 => "ok",
        -KvmCalls.Busy => "EBUSY",
        -KvmCalls.Invalid => "EINVAL",
        -KvmCalls.Exists => "EEXIST",
        _ => $"error {-result}",
    };

    static int U32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);

    static ulong U64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    /// <summary>All segments at 0, as after loading 0 in real mode.</summary>
    void SetRealSegments()
    {
        const int Segments = 6, SegmentSize = 24, SelectorOffset = 12;
        byte* system = stackalloc byte[SystemSize];
        KvmCalls.Do(cpu, KvmCalls.GetSregs, system);
        for (int i = 0; i < Segments; i++)
        {
            *(ulong*)(system + i * SegmentSize) = 0;
            *(ushort*)(system + i * SegmentSize + SelectorOffset) = 0;
        }
        KvmCalls.Do(cpu, KvmCalls.SetSregs, system);
    }
}
