using System.Buffers.Binary;

namespace FastVcpu.Fuzzing;

/// <summary>
/// The calls of a run that have not returned, followed instruction by instruction. So it needs neither unwinding tables nor frame pointers, and what the guest has written over its stack does not matter.
/// </summary>
sealed class CallChain(Vcpu cpu)
{
    /// <summary>A recursion without end keeps its beginning.</summary>
    const int MostCalls = 1 << 16;

    /// <summary>A guest may write anything to FS and GS.</summary>
    const int MostThreads = 1 << 10;

    /// <summary>By thread: what FS and GS show is its own, and so is its stack.</summary>
    readonly Dictionary<(ulong Fs, ulong Gs), Stack<(ulong Slot, ulong Return)>> threads = [];

    /// <summary>Return addresses of the thread that runs, the innermost first.</summary>
    public IReadOnlyList<ulong> Returns => [.. Calls().Select(call => call.Return)];

    /// <summary>The flow has gone elsewhere than to the next instruction.</summary>
    /// <param name="next">The next instruction.</param>
    /// <param name="stackPointer">The stack pointer before that.</param>
    public void Take(ulong next, ulong stackPointer)
    {
        Stack<(ulong Slot, ulong Return)> calls = Calls();
        // Calls whose return address lies where nothing of the stack is any more have been left, in whatever way.
        while (calls.TryPeek(out (ulong Slot, ulong Return) call) && call.Slot < cpu.Regs.Rsp)
        {
            calls.Pop();
        }
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        word.Clear();
        ulong pushed = stackPointer - cpu.Regs.Rsp;
        if (pushed is sizeof(ulong) or sizeof(uint) && calls.Count < MostCalls && cpu.TryReadLinear(cpu.Regs.Rsp, word[..(int)pushed]) && BinaryPrimitives.ReadUInt64LittleEndian(word) == next)
        {
            calls.Push((cpu.Regs.Rsp, next));
        }
    }

    Stack<(ulong Slot, ulong Return)> Calls()
    {
        (ulong, ulong) thread = (cpu.Segments.Fs.Base, cpu.Segments.Gs.Base);
        if (!threads.TryGetValue(thread, out Stack<(ulong Slot, ulong Return)>? calls))
        {
            if (threads.Count == MostThreads)
            {
                threads.Clear();
            }
            threads[thread] = calls = [];
        }
        return calls;
    }
}
