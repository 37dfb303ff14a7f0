using FastVcpu.Gdb.Breakpoints;

namespace FastVcpu.Gdb;

/// <summary>
/// The debugged vCPUs, each on a thread of the embedder's, and who of them may run. While the world is stopped none is inside of Run, and
/// the client may look at and change everything.
/// </summary>
sealed class World
{
    readonly GdbOptions options;
    readonly object gate = new();
    readonly List<DebuggedCpu> cpus = [];
    bool isClockPaused;

    public World(GdbOptions options)
    {
        this.options = options;
        Memory = new MemoryAccess(options.Machine);
        Software = new SoftwareBreakpoints(Memory);
        IsStopped = options.WaitsForClient;
        SetClock(IsStopped);
    }

    public MemoryAccess Memory { get; }

    public Func<VcpuExit, bool> EndsGuest => options.EndsGuest ?? (static _ => false);

    public SoftwareBreakpoints Software { get; }

    public HardwareBreakpoints Hardware { get; } = new();

    public StepFlags StepFlags { get; set; } = StepFlags.Default;

    /// <summary>A client is there. Without one the vCPUs run free.</summary>
    public bool IsAttached { get; private set; }

    /// <summary>The guest has ended: what still runs is not the client's.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Signals, in gdb's numbers, that the client need not hear of.</summary>
    public IReadOnlySet<int> PassedSignals { get; set; } = new HashSet<int>();

    /// <summary>No vCPU may enter Run.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Tells the client that the world has stopped.</summary>
    public Action<DebuggedCpu, StopReason>? Stopped { get; set; }

    public IReadOnlyList<DebuggedCpu> Cpus
    {
        get
        {
            lock (gate)
            {
                return [.. cpus];
            }
        }
    }

    /// <summary>A client has come: the world stops for it, as soon as there is a vCPU.</summary>
    public void Attach()
    {
        lock (gate)
        {
            IsAttached = true;
            Halt();
            while (cpus.Count == 0)
            {
                Monitor.Wait(gate);
            }
        }
    }

    /// <summary>The client has gone: its breakpoints go, and the world runs free.</summary>
    public void Detach()
    {
        lock (gate)
        {
            if (!IsAttached)
            {
                return;
            }
            Halt();
            if (cpus.Count > 0)
            {
                Software.Clear(cpus[0].Cpu);
            }
            Hardware.Clear();
            Memory.IsPhysical = false;
            StepFlags = StepFlags.Default;
            PassedSignals = new HashSet<int>();
            IsAttached = false;
            foreach (DebuggedCpu cpu in cpus)
            {
                (cpu.Resumption, cpu.SteppedOver, cpu.Unreported) = (Resumption.Continue, null, null);
            }
            SetClock(false);
            Go();
        }
    }

    /// <summary>The thread of a vCPU, made at its first run; null for a vCPU of another address space.</summary>
    public DebuggedCpu? Find(Vcpu cpu)
    {
        lock (gate)
        {
            DebuggedCpu? found = cpus.Find(c => c.Cpu == cpu);
            if (found == null && !HasEnded && (cpus.Count == 0 || cpu.Space == cpus[0].Cpu.Space))
            {
                found = new DebuggedCpu(cpu, cpus.Count == 0 ? 1 : cpus.Max(c => c.Id) + 1) { Resumption = Resumption.Continue };
                cpus.Add(found);
                Monitor.PulseAll(gate);
            }
            return found;
        }
    }

    /// <summary>Forgets a vCPU, but not while the client may look at it. With the last one its memory has gone, and the breakpoints in it.</summary>
    public void Remove(Vcpu cpu)
    {
        lock (gate)
        {
            while (IsStopped && IsAttached && cpus.Exists(c => c.Cpu == cpu))
            {
                Monitor.Wait(gate);
            }
            if (cpus.RemoveAll(c => c.Cpu == cpu) != 0 && cpus.Count == 0)
            {
                Software.Forget();
            }
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Those that were to stay go on too, when the world does.</summary>
    public void ReleaseAll()
    {
        lock (gate)
        {
            foreach (DebuggedCpu cpu in cpus.Where(c => c.Resumption == Resumption.Stay))
            {
                cpu.Resumption = Resumption.Continue;
            }
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Takes the breakpoints out of a copy of the memory.</summary>
    public void EraseCopies(Vcpu cpu)
    {
        lock (gate)
        {
            Software.EraseCopies(cpu);
        }
    }

    /// <summary>Stops all vCPUs; returns when none is inside of Run.</summary>
    public void Stop()
    {
        lock (gate)
        {
            Halt();
        }
    }

    /// <summary>Lets the vCPUs run as their <see cref="DebuggedCpu.Resumption"/> says.</summary>
    public void Resume()
    {
        lock (gate)
        {
            if (cpus.Find(c => c.Unreported != null) is { } other)
            {
                Report(other);
                return;
            }
            const ulong ResumeFlag = 1 << 16;
            foreach (DebuggedCpu cpu in cpus.Where(c => c.Resumption != Resumption.Stay))
            {
                ulong pc = Pc(cpu.Cpu);
                cpu.SteppedOver = cpu.IsWaiting && Software.Contains(pc) ? pc : null;
                cpu.Cpu.Regs.Rflags |= Hardware.BreaksAt(pc) ? ResumeFlag : 0;
            }
            SetClock(cpus.Exists(c => c.Resumption == Resumption.Step) && (StepFlags & StepFlags.NoTimer) != 0);
            Go();
        }
    }

    /// <summary>Waits until the vCPU may run, and prepares it.</summary>
    public void Enter(DebuggedCpu cpu)
    {
        lock (gate)
        {
            while (true)
            {
                bool waitsForOther = cpus.Exists(c => c != cpu && c.SteppedOver != null);
                if (!IsStopped && cpu.Resumption != Resumption.Stay && !waitsForOther)
                {
                    break;
                }
                Wait(cpu);
            }
            cpu.IsRunning = true;
            if (cpu.SteppedOver is { } address)
            {
                Software.Lift(cpu.Cpu, address, isLifted: true);
            }
            Configure(cpu);
        }
    }

    /// <summary>The vCPU has left Run; <paramref name="hasStepped"/>: after a step.</summary>
    public void Leave(DebuggedCpu cpu, bool hasStepped)
    {
        lock (gate)
        {
            cpu.IsRunning = false;
            if (cpu.SteppedOver is { } address)
            {
                Software.Lift(cpu.Cpu, address, isLifted: false);
                if (hasStepped || Pc(cpu.Cpu) != address)
                {
                    cpu.SteppedOver = null;
                }
            }
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>A vCPU outside of Run has something to tell: the world stops, the client is told, and the vCPU waits until it may go on.</summary>
    public void StopAt(DebuggedCpu cpu, StopReason reason)
    {
        lock (gate)
        {
            if (!IsAttached)
            {
                return;
            }
            StopHere(cpu, reason);
            while (IsStopped)
            {
                Wait(cpu);
            }
        }
    }

    /// <summary>Linear address of the instruction that comes next.</summary>
    public static ulong Pc(Vcpu cpu)
    {
        const ushort LongMode = 1 << 13;
        const ulong LongModeActive = 1 << 10;
        SegmentRegister code = cpu.Segments.Cs;
        bool is64 = (code.Attributes & LongMode) != 0 && (cpu.SystemRegisters.Efer & LongModeActive) != 0;
        return is64 ? cpu.Regs.Rip : (uint)(code.Base + cpu.Regs.Rip);
    }

    void Wait(DebuggedCpu cpu)
    {
        cpu.IsWaiting = true;
        Monitor.Wait(gate);
        cpu.IsWaiting = false;
    }

    void StopHere(DebuggedCpu cpu, StopReason reason)
    {
        cpu.Unreported = reason;
        bool isFirst = !IsStopped;
        Halt();
        // While the others were coming to their stop the client may have asked, been told and gone on, or have gone.
        if (isFirst && cpu.Unreported != null)
        {
            Report(cpu);
        }
    }

    void Report(DebuggedCpu cpu)
    {
        StopReason reason = cpu.Unreported!.Value;
        cpu.Unreported = null;
        Stopped?.Invoke(cpu, reason);
    }

    void Halt()
    {
        IsStopped = true;
        SetClock(true);
        foreach (DebuggedCpu cpu in cpus.Where(c => c.IsRunning))
        {
            cpu.Cpu.RequestExit();
        }
        while (IsStopped && cpus.Exists(c => c.IsRunning))
        {
            Monitor.Wait(gate);
        }
    }

    void Go()
    {
        IsStopped = false;
        Monitor.PulseAll(gate);
    }

    /// <summary>The machine's clock stands still while the world is stopped, and during steps that ask for it.</summary>
    void SetClock(bool paused)
    {
        if (paused != isClockPaused)
        {
            isClockPaused = paused;
            if (paused)
            {
                options.Machine?.Clock.Pause();
            }
            else
            {
                options.Machine?.Clock.Resume();
            }
        }
    }

    void Configure(DebuggedCpu cpu)
    {
        bool steps = cpu.Resumption == Resumption.Step || cpu.SteppedOver != null;
        GuestDebugFlags flags = IsAttached ? GuestDebugFlags.Enable : GuestDebugFlags.None;
        flags |= steps ? GuestDebugFlags.SingleStep : 0;
        flags |= steps && (StepFlags & StepFlags.NoInterrupts) != 0 ? GuestDebugFlags.BlockInterrupts : 0;
        flags |= Software.IsEmpty ? 0 : GuestDebugFlags.UseSoftwareBreakpoints;
        flags |= Hardware.IsEmpty ? 0 : GuestDebugFlags.UseHardwareBreakpoints;
        cpu.Cpu.SetGuestDebug(flags, Hardware.Registers);
    }
}
