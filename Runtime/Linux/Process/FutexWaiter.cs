namespace FastVcpu.Linux.Process;

/// <summary>A thread in a queue of <see cref="FutexTable"/>.</summary>
/// <param name="thread">The thread.</param>
/// <param name="bits">What it is to be woken for.</param>
/// <param name="address">The word that it waits at, in the memory of its process.</param>
sealed class FutexWaiter(GuestThread thread, uint bits, ulong address)
{
    public GuestThread Thread => thread;

    public uint Bits => bits;

    /// <summary>It has been woken, and is in no queue any more.</summary>
    public volatile bool IsWoken;

    /// <summary>The word that it waits at, in the memory of its process.</summary>
    public ulong Address { get; set; } = address;

    /// <summary>The same word, whichever process has it.</summary>
    public (object Memory, ulong Address) Key;
}
