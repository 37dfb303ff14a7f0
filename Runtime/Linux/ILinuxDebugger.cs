namespace FastVcpu.Linux;

/// <summary>
/// A debugger of a program: it stands between the program's threads and their CPUs. Its methods are called on the threads of the guest, for all
/// processes that the program starts.
/// </summary>
public interface ILinuxDebugger
{
    /// <summary>Takes the place of <see cref="Vcpu.Run"/>.</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    VcpuExit Run(Vcpu cpu);

    /// <summary>A signal has come to a thread and is about to be handled. The signals of faults are not asked about: their exit was.</summary>
    /// <param name="cpu">The CPU of the thread.</param>
    /// <param name="signal">Number of the signal.</param>
    /// <returns>The signal that the thread gets instead; 0: none.</returns>
    int FilterSignal(Vcpu cpu, int signal);

    /// <summary>A process with a copy of the memory of another one is about to start (fork).</summary>
    /// <param name="cpu">The CPU of its thread.</param>
    void Forked(Vcpu cpu);

    /// <summary>A CPU has run for the last time: its thread ends, or starts another program.</summary>
    /// <param name="cpu">The CPU; it is disposed behind this call.</param>
    void Retired(Vcpu cpu);

    /// <summary>All threads of the program are to end; those that the debugger holds have to go on to their end. Must not wait.</summary>
    void Ending();

    /// <summary>The program has ended; processes that it has started may live on.</summary>
    /// <param name="exit">How.</param>
    void Ended(LinuxExit exit);
}
