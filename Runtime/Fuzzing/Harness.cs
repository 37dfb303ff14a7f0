namespace FastVcpu.Fuzzing;

/// <summary>Puts an input into the guest: memory, registers.</summary>
/// <param name="cpu">The CPU, in the state of the snapshot.</param>
/// <param name="input">The input.</param>
public delegate void InputInjector(Vcpu cpu, ReadOnlySpan<byte> input);

/// <summary>Says what an end means that is not one by <see cref="Harness.EndAddress"/> or by the limit.</summary>
/// <param name="cpu">The CPU.</param>
/// <param name="exit">How it stopped.</param>
/// <returns>What became of the input, and a name for the kind of end; without a name, that of the exit.</returns>
public delegate (FuzzOutcome Outcome, string? Name) EndClassifier(Vcpu cpu, in VcpuExit exit);

/// <summary>Serves an exit that does not end the run, such as a system call.</summary>
/// <param name="cpu">The CPU.</param>
/// <param name="exit">How it stopped.</param>
/// <returns>True: it has been served and the target goes on.</returns>
public delegate bool ExitHandler(Vcpu cpu, in VcpuExit exit);

/// <summary>Names a place in the code by what does not depend on where the code lies: a file and an offset in it.</summary>
/// <param name="address">Its address.</param>
/// <returns>The name, and whether it lies in the runtime of a language, where a crash says little without its callers; null: the address is all that is known.</returns>
public delegate (string Name, bool IsRuntime)? CodeLocator(ulong address);

/// <summary>
/// Runs a target again and again from where it stood when the harness was made, each time with another input. The same input gives the same result and the
/// same coverage each time, if the CPU's clock and random numbers do.
/// </summary>
public sealed class Harness : IDisposable
{
    /// <summary>Callers that make a bucket.</summary>
    const int CallersBehindRuntime = 3, CallersOfSystemCall = 8;

    readonly Vcpu cpu;
    readonly AddressSpace? space;
    readonly AddressSpaceSnapshot? memory;
    readonly VcpuState? state;
    readonly InstructionClock? clock;
    readonly VirtualMachine? machine;
    readonly MachineSnapshot? whole;
    readonly long startTime;
    readonly ulong? endAddress;

    /// <summary>Freezes a CPU in user mode and its memory; every run begins there.</summary>
    /// <param name="cpu">The CPU, at the place where inputs are to be put in.</param>
    /// <exception cref="ArgumentException">The CPU is one of a machine.</exception>
    public Harness(Vcpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        this.cpu = cpu;
        space = cpu.Space ?? throw new ArgumentException("The CPU has no address space of its own.", nameof(cpu));
        memory = space.TakeSnapshot();
        state = cpu.SaveState();
        clock = cpu.Clock as InstructionClock;
        startTime = cpu.Clock.Now;
    }

    /// <summary>Freezes a machine with one processor; every run begins there.</summary>
    /// <param name="machine">The machine, at the place where inputs are to be put in.</param>
    /// <exception cref="ArgumentException">It has several processors.</exception>
    public Harness(VirtualMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        this.machine = machine;
        cpu = machine.Vcpus is [Vcpu one] ? one : throw new ArgumentException("A machine with one processor is needed.", nameof(machine));
        whole = machine.TakeSnapshot();
    }

    /// <summary>The CPU.</summary>
    public Vcpu Cpu => cpu;

    /// <summary>Which CPU goes on, where the target has several that take turns: it is asked at the beginning and after each exit that has been served. Without it, <see cref="Cpu"/>.</summary>
    public Func<Vcpu>? RunningCpu { get; init; }

    /// <summary>Puts the input in.</summary>
    public required InputInjector Inject { get; init; }

    /// <summary>The target is done when it would execute this address: a return address, mostly, which need not be mapped. Where code is, it gets a hook.</summary>
    public ulong? EndAddress
    {
        get => endAddress;
        init
        {
            endAddress = value;
            if (value is { } address && (space == null || space.IsMapped(address, 1)))
            {
                cpu.AddHook(address);
            }
        }
    }

    /// <summary>Serves exits; without it, all end the run.</summary>
    public ExitHandler? OnExit { get; init; }

    /// <summary>Says what an end means that nobody serves; without it, it is a crash.</summary>
    public EndClassifier? Classify { get; init; }

    /// <summary>Names places for buckets; without it, they are addresses.</summary>
    public CodeLocator? Locate { get; init; }

    /// <summary>More instructions than an input may take.</summary>
    public long InstructionLimit { get; init; } = 10_000_000;

    /// <summary>Runs the target with an input.</summary>
    /// <param name="input">The input.</param>
    public FuzzResult Run(ReadOnlySpan<byte> input)
    {
        Begin(input);
        long retired = 0;
        VcpuExit exit;
        Vcpu running;
        bool isAtEnd;
        do
        {
            running = Running;
            exit = running.Run(InstructionLimit - retired);
            retired += exit.InstructionsRetired;
        }
        while (GoesOn(running, exit, out isAtEnd));
        return Result(exit, isAtEnd, retired);
    }

    /// <summary>
    /// As <see cref="Run"/>; when the flow went to where no code is – an address that the input made, mostly –, it runs once more to find out from where, so that the bucket does
    /// not depend on that address. It does the same when the target crashed by a system call, or in the runtime of its language (<see cref="Locate"/>): <c>abort</c> is one place for all that goes
    /// wrong there, and its callers tell them apart.
    /// </summary>
    /// <param name="input">The input.</param>
    public FuzzResult RunAndLocate(ReadOnlySpan<byte> input)
    {
        FuzzResult result = Run(input);
        if (result.IsWild)
        {
            return Trace(input).Last is [.., FuzzEdge last] ? result with { JumpedFrom = last.From, Place = "from-" + Name(last.From) } : result;
        }
        bool isInRuntime = Locate?.Invoke(result.Rip) is { IsRuntime: true };
        bool isBySystemCall = result.Exit.Reason is ExitReason.SystemCall or ExitReason.SystemEnter or ExitReason.SoftwareInterrupt;
        if (result.Outcome != FuzzOutcome.Crash || Locate == null || !(isInRuntime || isBySystemCall))
        {
            return result;
        }
        // Each caller once, so that the depth of a recursion does not count. Without shared libraries, the first ones are the runtime's own.
        IEnumerable<ulong> callers = Trace(input).Callers.SkipWhile(caller => Locate(caller) is { IsRuntime: true }).Distinct().Take(isInRuntime ? CallersBehindRuntime : CallersOfSystemCall);
        string[] names = [.. callers.Select(Name)];
        return names is [] ? result : result with { Place = "from-" + string.Join('-', names) };
    }

    /// <summary>Runs the target with an input, one instruction at a time, and notes its way.</summary>
    /// <param name="input">The input.</param>
    public FuzzTrace Trace(ReadOnlySpan<byte> input)
    {
        Begin(input);
        HashSet<(ulong, ulong)> seen = [];
        List<FuzzEdge> edges = [];
        Dictionary<Vcpu, CallChain> chains = [];
        Queue<FuzzEdge> last = [];
        long retired = 0, taken = 0;
        VcpuExit exit = default;
        Vcpu running;
        do
        {
            running = Running;
            chains.TryAdd(running, new CallChain(running));
            CallChain calls = chains[running];
            while (retired < InstructionLimit)
            {
                ulong from = running.Regs.Rip, stackPointer = running.Regs.Rsp, next = from + (ulong)running.InstructionLength;
                exit = running.Run(1);
                retired += exit.InstructionsRetired;
                ulong to = running.Regs.Rip;
                if (exit.InstructionsRetired > 0 && to != next)
                {
                    calls.Take(next, stackPointer);
                    FuzzEdge edge = new(retired, from, to);
                    taken++;
                    if (seen.Add((from, to)))
                    {
                        edges.Add(edge);
                    }
                    last.Enqueue(edge);
                    if (last.Count > FuzzTrace.LastCount)
                    {
                        last.Dequeue();
                    }
                }
                if (exit.Reason != ExitReason.InstructionLimit)
                {
                    break;
                }
            }
        }
        while (GoesOn(running, exit, out _));
        return new FuzzTrace(edges, [.. last], taken, chains.GetValueOrDefault(Running)?.Returns ?? []);
    }

    /// <summary>Gives the snapshot back. The CPU and its memory belong to the caller.</summary>
    public void Dispose()
    {
        memory?.Dispose();
        whole?.Dispose();
    }

    void Begin(ReadOnlySpan<byte> input)
    {
        if (whole != null)
        {
            machine!.Restore(whole);
        }
        else
        {
            space!.Restore(memory!);
            cpu.RestoreState(state!);
            clock?.Set(startTime);
        }
        cpu.Coverage?.BeginPath();
        Inject(cpu, input);
    }

    Vcpu Running => RunningCpu?.Invoke() ?? cpu;

    bool GoesOn(Vcpu running, in VcpuExit exit, out bool isAtEnd)
    {
        isAtEnd = exit.Reason is ExitReason.Exception or ExitReason.Hook && running.Regs.Rip == EndAddress;
        return !isAtEnd && exit.Reason != ExitReason.InstructionLimit && OnExit != null && OnExit(running, exit);
    }

    FuzzResult Result(in VcpuExit exit, bool isAtEnd, long retired)
    {
        // That of the last exit may be gone with its process.
        Vcpu running = Running;
        (FuzzOutcome outcome, string? name) = isAtEnd ? (FuzzOutcome.Done, null)
            : exit.Reason == ExitReason.InstructionLimit ? (FuzzOutcome.Hang, null)
            : Classify?.Invoke(running, exit) ?? (FuzzOutcome.Crash, null);
        return new FuzzResult
        {
            Outcome = outcome,
            Name = name,
            Exit = exit,
            Rip = running.Regs.Rip,
            Place = outcome == FuzzOutcome.Crash ? Name(running.Regs.Rip) : "",
            Instructions = retired,
        };
    }

    string Name(ulong address) => Locate?.Invoke(address)?.Name ?? $"{address:x}";
}
