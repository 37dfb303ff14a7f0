using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Process;

/// <summary>CPU time of a process: what its ended threads have used, and its collected children.</summary>
sealed class ProcessUsage
{
    const int ThreadCpuClock = 3, MonotonicClock = 1;
    long _endedThreads;
    long _children;

    /// <summary>When the process began, on the monotonic clock.</summary>
    public long StartNanoseconds { get; } = HostCalls.Nanoseconds(MonotonicClock);

    /// <summary>CPU time with that of the calling thread, which belongs to the process.</summary>
    public long Nanoseconds => Interlocked.Read(ref _endedThreads) + HostCalls.Nanoseconds(ThreadCpuClock);

    /// <summary>CPU time of children that were waited for.</summary>
    public long ChildNanoseconds => Interlocked.Read(ref _children);

    /// <summary>CPU time without the calling thread.</summary>
    public long EndedNanoseconds => Interlocked.Read(ref _endedThreads);

    /// <summary>The calling thread ends.</summary>
    public void ThreadEnded() => Interlocked.Add(ref _endedThreads, HostCalls.Nanoseconds(ThreadCpuClock));

    /// <summary>A child was waited for.</summary>
    public void ChildCollected(ProcessUsage child) => Interlocked.Add(ref _children, child.EndedNanoseconds + child.ChildNanoseconds);
}
