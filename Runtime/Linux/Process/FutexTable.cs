using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>Threads that wait for a word of guest memory to change (futex).</summary>
sealed class FutexTable
{
    readonly Lock _lock = new();
    readonly Dictionary<(object Memory, ulong Address), LinkedList<Waiter>> _queues = [];

    sealed class Waiter(GuestThread thread, uint bits)
    {
        public GuestThread Thread => thread;

        public uint Bits => bits;

        public volatile bool IsWoken;

        public (object Memory, ulong Address) Key;
    }

    /// <summary>FUTEX_WAIT: waits if the word still has the value. Returns 0 or a negated error number.</summary>
    public long Wait(GuestThread thread, ulong address, uint expected, uint bits, long nanoseconds)
    {
        GuestMemory memory = thread.Process.Memory;
        Waiter waiter = new(thread, bits) { Key = Key(memory, address) };
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
        }

        long result = thread.WaitUntil(() => waiter.IsWoken, nanoseconds);
        lock (_lock)
        {
            if (waiter.IsWoken)
            {
                return 0;
            }

            Dequeue(waiter);
        }

        return result == 0 ? -Errno.ETIMEDOUT : nanoseconds == GuestThread.Forever ? -Errno.ERESTARTSYS : -Errno.EINTR;
    }

    /// <summary>FUTEX_WAKE: wakes waiting threads whose bits meet; returns how many.</summary>
    public long Wake(GuestMemory memory, ulong address, long limit, uint bits)
    {
        List<GuestThread> woken = [];
        lock (_lock)
        {
            if (_queues.TryGetValue(Key(memory, address), out LinkedList<Waiter>? queue))
            {
                for (LinkedListNode<Waiter>? node = queue.First; node != null && woken.Count < limit;)
                {
                    LinkedListNode<Waiter>? next = node.Next;
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
            while (moved < moveLimit && from != to && _queues.TryGetValue(from, out LinkedList<Waiter>? queue))
            {
                Waiter waiter = queue.First!.Value;
                Dequeue(waiter);
                waiter.Key = to;
                Enqueue(waiter);
                moved++;
            }
        }

        return woken + moved;
    }

    void Enqueue(Waiter waiter)
    {
        if (!_queues.TryGetValue(waiter.Key, out LinkedList<Waiter>? queue))
        {
            _queues[waiter.Key] = queue = new LinkedList<Waiter>();
        }

        queue.AddLast(waiter);
    }

    void Dequeue(Waiter waiter)
    {
        if (_queues.TryGetValue(waiter.Key, out LinkedList<Waiter>? queue) && queue.Remove(waiter) && queue.Count == 0)
        {
            _queues.Remove(waiter.Key);
        }
    }

    /// <summary>The same word has the same key in every process that maps it.</summary>
    static (object Memory, ulong Address) Key(GuestMemory memory, ulong address) =>
        memory.FindShared(address) is { } shared ? (shared.Memory, shared.Offset) : (memory, address);
}
