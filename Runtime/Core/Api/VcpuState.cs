using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastVcpu;

/// <summary>
/// All of a vCPU's architectural state between two instructions, with what waits to be delivered. Not in it: interrupt controllers, the debugger's
/// settings, decoded code and cached translations.
/// </summary>
public sealed class VcpuState
{
    const int Line = 64;

    readonly byte[] image;
    byte[]? lines;
    bool wasRestored;

    internal VcpuState(string model, byte[] image, ulong[] descriptors, VcpuEvents events, bool eventsAreAtRest)
    {
        Model = model;
        this.image = image;
        Descriptors = descriptors;
        Events = events;
        EventsAreAtRest = eventsAreAtRest;
    }

    /// <summary>Name of the CPU model that it belongs to.</summary>
    public string Model { get; }

    /// <summary>
    /// The registers, as they lie in a CPU's state. From the second time on they begin with a line of the host's caches, which halves the time of a copy: memory that does not move is for those who
    /// are restored again and again.
    /// </summary>
    internal ref byte BeginRestoring()
    {
        if (!wasRestored)
        {
            wasRestored = true;
            return ref image[0];
        }
        byte[] pinned = Volatile.Read(ref lines) ?? Align();
        return ref pinned[FirstLine(pinned)];
    }

    internal ulong[] Descriptors { get; }

    internal VcpuEvents Events { get; }

    /// <summary>All that there is of <see cref="Events"/> is in the image: nothing waits.</summary>
    internal bool EventsAreAtRest { get; }

    byte[] Align()
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(image.Length + Line - 1, pinned: true);
        image.CopyTo(pinned, FirstLine(pinned));
        return Interlocked.CompareExchange(ref lines, pinned, null) ?? pinned;
    }

    static unsafe int FirstLine(byte[] pinned) => (int)(-(nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)) & (Line - 1));
}
