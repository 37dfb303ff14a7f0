using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>Threads that wait for a word of guest memory to change (futex).</summary>
sealed class FutexTable
{
    readonly Lock _lock = new();
    readonly Dictionary<(object Memory, ulong Address), LinkedList<FutexWaiter>> _queues = [];

    /// <summary>Who waits at which word, for <see cref="Restore(IReadOnlyList{FutexWaiter})"/>.</summary>
    public (FutexWaiter Waiter, ulong Address)[] Save() => [.. _queues.Values.SelectMany(queue => queue).Select(waiter => (waiter, waiter.Address))];

    /// <summary>Lets those wait again, in that order, and nobody else.</summary>
    public void Restore(IReadOnlyList<(FutexWaiter Waiter, ulong Address)> saved)
    {
        foreach ((FutexWaiter waiter, ulong address) in saved)
        {
            (waiter.IsWoken, waiter.Address) = (false, address);
        }

        Restore([.. saved.Select(entry => entry.Waiter)]);
    }

    /// <summary>Lets those wait, in that order, and nobody else.</summary>
    public void Restore(IReadOnlyList<FutexWaiter> waiters)
    {
        _queues.Clear();
        foreach (FutexWaiter waiter in waiters)
        {
            waiter.Key = Key(waiter.Thread.Process.Memory, waiter.Address);
            Enqueue(waiter);
        }
    }

    /// <summary>How many wait for the same word and have come earlier.</summary>
    public int PlaceOf(FutexWaiter? waiter) => waiter != null && _queues.TryGetValue(waiter.Key, out LinkedList<FutexWaiter>? queue) ? queue.TakeWhile(other => other != waiter).Count() : 0;

    /// <summary>FUTEX_WAIT: waits if the word still has the value. Returns 0 or a negated error number.</summary>
    public long Wait(GuestThread thread, ulong address, uint expected, uint bits, long nanoseconds)
    {
        FutexWaiter? waiter = thread.FutexWaiter;
        thread.FutexWaiter = null;
        if (waiter == null && TryEnqueue(thread, address, expected, bits, out waiter) is var error and not 0)
        {
            return error;
        }

        long result = thread.WaitUntil(() => waiter!.IsWoken, nanoseconds);
        if (result == -Errno.EWAIT)
        {
            thread.FutexWaiter = waiter;
            return result;
        }

        lock (_lock)
        {
            if (waiter!.IsWoken)
            {
                return 0;
            }

            Dequeue(waiter);
        }

        return result == 0 ? -Errno.ETIMEDOUT : nanoseconds == GuestThread.Forever ? -Errno.ERESTARTSYS : -Errno.EINTR;
    }

    long TryEnqueue(GuestThread thread, ulong address, uint expected, uint bits, out FutexWaiter? waiter)
    {
        GuestMemory memory = thread.Process.Memory;
        waiter = new FutexWaiter(thread, bits, address) { Key = Key(memory, address) };
        lock (_lock)
        {
            // Read under the lock: whoever changes the word calls Wake afterwards and so finds this thread in the queue.
            if (!memory.TryRead(address, out uint value))
            {
                return -Errno.EFAULT;
            }

            if (value != expected)
            {
                return -Errno.EAGAIN;
            }

            Enqueue(waiter);
            return 0;
        }
    }

    /// <summary>FUTEX_WAKE: wakes waiting threads whose bits meet; returns how many.</summary>
    public long Wake(GuestMemory memory, ulong address, long limit, uint bits)
    {
        List<GuestThread> woken = [];
        lock (_lock)
        {
            if (_queues.TryGetValue(Key(memory, address), out LinkedList<FutexWaiter>? queue))
            {
                for (LinkedListNode<FutexWaiter>? node = queue.First; node != null && woken.Count < limit;)
                {
                    LinkedListNode<FutexWaiter>? next = node.Next;
                    if ((node.Value.Bits & bits) != 0)
                    {
                        node.Value.IsWoken = true;
                        woken.Add(node.Value.Thread);
                        Dequeue(node.Value);
                    }

                    node = next;
                }
            }
        }

        foreach (GuestThread thread in woken)
        {
            thread.Wake();
        }

        return woken.Count;
    }

    /// <summary>FUTEX_CMP_REQUEUE: wakes some and lets others wait at another word. Returns how many are concerned.</summary>
    public long Requeue(GuestMemory memory, ulong address, long wakeLimit, ulong target, long moveLimit, uint? expected)
    {
        lock (_lock)
        {
            if (!memory.TryRead(address, out uint value))
            {
                return -Errno.EFAULT;
            }

            if (expected is { } wanted && value != wanted)
            {
                return -Errno.EAGAIN;
            }
        }

        long woken = Wake(memory, address, wakeLimit, uint.MaxValue);
        long moved = 0;
        lock (_lock)
        {
            (object, ulong) from = Key(memory, address), to = Key(memory, target);
            while (moved < moveLimit && from != to && _queues.TryGetValue(from, out LinkedList<FutexWaiter>? queue))
            {
                FutexWaiter waiter = queue.First!.Value;
                Dequeue(waiter);
                (waiter.Key, waiter.Address) = (to, target);
                Enqueue(waiter);
                moved++;
            }
        }

        return woken + moved;
    }

    void Enqueue(FutexWaiter waiter)
    {
        if (!_queues.TryGetValue(waiter.Key, out LinkedList<FutexWaiter>? queue))
        {
            _queues[waiter.Key] = queue = new LinkedList<FutexWaiter>();
        }

        queue.AddLast(waiter);
    }

    void Dequeue(FutexWaiter waiter)
    {
        if (_queues.TryGetValue(waiter.Key, out LinkedList<FutexWaiter>? queue) && queue.Remove(waiter) && queue.Count == 0)
        {
            _queues.Remove(waiter.Key);
        }
    }

    /// <summary>The same word has the same key in every process that maps it.</summary>
    static (object Memory, ulong Address) Key(GuestMemory memory, ulong address) =>
        memory.FindShared(address) is { } shared ? (shared.Memory, shared.Offset) : (memory, address);
}
