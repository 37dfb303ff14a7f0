using System.Collections.Concurrent;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Machine.Boot;

/// <summary>One run of a machine's processors, up to the first that ends it.</summary>
sealed class MachineRun : IDisposable
{
    /// <summary>How often a machine is looked at that may have gone to sleep for ever, in milliseconds.</summary>
    const int LookInterval = 100;

    readonly VirtualMachine vm;
    readonly RoundRobin turns;
    readonly NumericErrorPort numericErrors;
    readonly IReadOnlyList<Vcpu> processors;
    readonly Func<Vcpu, long, VcpuExit> run;
    readonly ConcurrentQueue<Task> questions;
    readonly Lock endGate = new();
    readonly ReaderWriterLockSlim stillness = new();
    readonly Timer watch;
    readonly long limit;
    long retired;
    BootResult? end;
    volatile bool isEnding, isStopping;

    public MachineRun(VirtualMachine vm, RoundRobin turns, NumericErrorPort numericErrors, long limit, Func<Vcpu, long, VcpuExit>? run, ConcurrentQueue<Task> questions, long retired)
    {
        this.vm = vm;
        this.turns = turns;
        this.numericErrors = numericErrors;
        this.limit = limit;
        this.run = run ?? (static (cpu, instructions) => cpu.Run(instructions));
        this.questions = questions;
        this.retired = retired;
        processors = vm.Vcpus;
        watch = new Timer(_ => Interrupt(), null, LookInterval, LookInterval);
    }

    /// <summary>Instructions retired so far; exact while no processor runs.</summary>
    public long Retired
    {
        get => Interlocked.Read(ref retired);
        set => Interlocked.Exchange(ref retired, value);
    }

    public BootResult Run()
    {
        if (processors.Count > 1 && vm.Clock is InstructionClock)
        {
            Follow(most => (turns.Run(most), turns.Current));
        }
        else
        {
            Thread[] others = [.. processors.Skip(1).Select(cpu => new Thread(() => Follow(cpu)) { IsBackground = true, Name = $"processor {cpu.Id}" })];
            Array.ForEach(others, thread => thread.Start());
            Follow(processors[0]);
            Array.ForEach(others, thread => thread.Join());
        }
        return end!.Value with { Instructions = Interlocked.Read(ref retired) };
    }

    /// <summary>All processors leave the guest for a moment. From any thread.</summary>
    public void Interrupt()
    {
        foreach (Vcpu cpu in processors)
        {
            cpu.RequestExit();
        }
    }

    public void Stop()
    {
        isStopping = true;
        Interrupt();
    }

    public void Dispose()
    {
        using ManualResetEvent done = new(false);
        watch.Dispose(done);
        done.WaitOne();
    }

    void Follow(Vcpu cpu) => Follow(most => (run(cpu, most), cpu));

    void Follow(Func<long, (VcpuExit Exit, Vcpu Cpu)> step)
    {
        while (!isEnding)
        {
            stillness.EnterReadLock();
            (VcpuExit exit, Vcpu cpu) = step(Math.Max(0, limit - Interlocked.Read(ref retired)));
            Interlocked.Add(ref retired, exit.InstructionsRetired);
            BootEnd? end = EndOf(exit, cpu);
            stillness.ExitReadLock();
            AnswerQuestions();
            if (end is { } how)
            {
                End(new BootResult(how, (int)exit.Data, exit, 0));
            }
        }
    }

    /// <summary>How an exit ends the machine, or null.</summary>
    BootEnd? EndOf(VcpuExit exit, Vcpu cpu)
    {
        switch (exit.Reason)
        {
            case ExitReason.Io:
                Float(cpu.IoData, exit.IsWrite);
                return null;
            case ExitReason.Mmio:
                Float(cpu.MmioData, exit.IsWrite);
                return null;
            case ExitReason.NumericError:
                numericErrors.Report(cpu);
                return null;
            case ExitReason.SystemEvent:
                // The debug-exit port adds a status, which is odd; ACPI does not.
                return exit.SystemEvent == SystemEventType.Reset ? BootEnd.Reset : exit.Data != 0 ? BootEnd.DebugExit : BootEnd.PoweredOff;
            case ExitReason.Shutdown:
                return BootEnd.Shutdown;
            case ExitReason.InstructionLimit:
                return BootEnd.Limit;
            case ExitReason.Interrupted:
                return isStopping ? BootEnd.Stopped : processors.All(SleepsForEver) ? BootEnd.Halted : null;
            default:
                return BootEnd.Failed;
        }
    }

    /// <summary>Only another processor can wake it.</summary>
    static bool SleepsForEver(Vcpu cpu) => cpu.MpState is MpState.Uninitialized or MpState.InitReceived || (cpu.MpState == MpState.Halted && !cpu.InterruptFlag);

    void End(BootResult result)
    {
        lock (endGate)
        {
            end ??= result;
        }
        isEnding = true;
        Interrupt();
    }

    /// <summary>While one is answered no processor runs.</summary>
    void AnswerQuestions()
    {
        if (questions.IsEmpty)
        {
            return;
        }
        Interrupt();
        stillness.EnterWriteLock();
        while (questions.TryDequeue(out Task? question))
        {
            question.RunSynchronously();
        }
        stillness.ExitWriteLock();
    }

    /// <summary>Where nothing is, the bus floats.</summary>
    static void Float(Span<byte> data, bool isWrite)
    {
        if (!isWrite)
        {
            data.Fill(0xFF);
        }
    }
}
