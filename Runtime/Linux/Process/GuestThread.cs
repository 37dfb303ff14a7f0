using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;
using FastVcpu.Linux.SystemCalls;

namespace FastVcpu.Linux.Process;

/// <summary>A thread of the guest: a vCPU on a thread of the host.</summary>
sealed partial class GuestThread
{
    readonly SystemCallContext _call;
    Vcpu _cpu;
    bool _cpuIsGone;
    long _instructions;

    /// <summary>Instructions retired since the thread began, whatever programs it has run.</summary>
    long _retired;

    /// <summary>Creates a thread; <see cref="Start"/> lets it run.</summary>
    /// <param name="process">Its process.</param>
    /// <param name="id">Its number.</param>
    /// <param name="cpu">Its CPU, with the registers it starts with.</param>
    /// <param name="parent">The thread whose TLS descriptors and signal mask it inherits.</param>
    public GuestThread(GuestProcess process, int id, Vcpu cpu, GuestThread? parent)
    {
        Process = process;
        Id = id;
        _cpu = cpu;
        _call = new SystemCallContext(this);
        Mask = parent?.Mask ?? 0;
        Descriptors = new ThreadDescriptors(parent?.Descriptors);
        Descriptors.Install(cpu);
        _wake = System.Turns == null ? HostCalls.EventCounter(0, false) : null;
    }

    public GuestProcess Process { get; }

    public LinuxSystem System => Process.System;

    public int Id { get; }

    public Vcpu Cpu => _cpu;

    /// <summary>The TLS entries of i386.</summary>
    public ThreadDescriptors Descriptors { get; private set; }

    /// <summary>Where a zero is written, and a futex woken, when the thread ends (set_tid_address).</summary>
    public ulong ClearOnExit { get; set; }

    /// <summary>The list of robust futexes.</summary>
    public ulong RobustList { get; set; }

    /// <summary>The thread leaves at the next chance although its process goes on.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Instructions retired so far.</summary>
    public long Instructions => _instructions;

    /// <summary>Lets the thread run: on a thread of the host, or in its turn.</summary>
    public void Start()
    {
        if (System.Turns is { } turns)
        {
            turns.Add(this);
        }
        else
        {
            new Thread(Main) { IsBackground = true, Name = $"guest {Id}" }.Start();
        }
    }

    /// <summary>exit: this thread alone ends; the last one gives the process its status.</summary>
    public void Leave(int code)
    {
        lock (System.Lock)
        {
            IsLeaving = true;
            if (Process.Threads.All(thread => thread.IsLeaving))
            {
                Process.Terminate(new ExitStatus(code, 0));
            }
        }
    }

    /// <summary>Ends this thread from another one (execve).</summary>
    public void Expel()
    {
        lock (System.Lock)
        {
            IsLeaving = true;
            Interrupt();
        }
    }

    /// <summary>Gives the thread a new program (execve).</summary>
    public void Exec(Elf.LoadedProgram program)
    {
        Vcpu old = _cpu;
        Vcpu fresh = Processor.Create(System.Options, program);
        lock (System.Lock)
        {
            _cpu = fresh;
        }

        Registers = null;
        Retire(old);
        Descriptors = new ThreadDescriptors(null);
        AlternateStack = default;
        ClearOnExit = 0;
        RobustList = 0;
        Process.SetProgram(program);
    }

    /// <summary>Makes the thread look at its signals and its process's end soon, whatever it is doing.</summary>
    public void Interrupt()
    {
        lock (System.Lock)
        {
            _hasAttention = true;
            if (!_cpuIsGone)
            {
                _cpu.RequestExit();
                Wake();
            }
        }
    }

    /// <summary>Handles what has come since the last instruction. False: the thread ends.</summary>
    public bool Continues() => !IsLeaving && (!_hasAttention || HandleAttention());

    /// <summary>Does what the CPU stopped for.</summary>
    public void Serve(VcpuExit exit)
    {
        switch (exit.Reason)
        {
            case ExitReason.SystemCall when Process.Abi.Is64:
                EndCall(!SystemCallDispatcher.Call64(_call), exit);
                break;
            case ExitReason.SoftwareInterrupt when exit.Vector == SystemCallDispatcher.Interrupt:
                EndCall(!SystemCallDispatcher.Call32(_call), exit);
                break;
            case ExitReason.Interrupted or ExitReason.InstructionLimit:
                break;
            default:
                HandleFault(exit);
                break;
        }
    }

    /// <summary>It has retired instructions.</summary>
    public void Count(long instructions)
    {
        _instructions += instructions;
        _retired += instructions;
    }

    void Main()
    {
        try
        {
            while (Continues())
            {
                long left = Id == LinuxSystem.FirstProcessId ? System.Limit - _retired : long.MaxValue;
                if (left <= 0)
                {
                    System.Freeze();
                }

                if (System.IsFreezing)
                {
                    System.StandStill(this);
                    continue;
                }

                VcpuExit exit = System.Options.Debugger is { } debugger ? debugger.Run(_cpu) : _cpu.Run(left);
                Count(exit.InstructionsRetired);
                Serve(exit);
            }
        }
        catch (Exception failure)
        {
            System.Fail(failure);
        }

        try
        {
            End();
        }
        catch (Exception failure)
        {
            System.Fail(failure);
        }
    }

    void End()
    {
        ReleaseFutexes();
        Process.Usage.ThreadEnded();
        lock (System.Lock)
        {
            _cpuIsGone = true;
        }

        Retire(_cpu);
        _wake?.Dispose();
        Process.RemoveThread(this);
    }

    void Retire(Vcpu cpu)
    {
        System.Count(_instructions, cpu.BlocksDecoded);
        _instructions = 0;
        System.Options.Debugger?.Retired(cpu);
        cpu.Dispose();
    }

    /// <summary>An exception of the CPU: a signal, as the kernel's trap handlers make it.</summary>
    void HandleFault(VcpuExit exit)
    {
        SignalInfo info = FaultSignal.Of(exit, _cpu, Process.Memory);
        if (System.Trace is { } trace)
        {
            trace.Fault(this, info);
        }

        Force(info, exit);
    }
}
