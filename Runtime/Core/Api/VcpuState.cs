namespace FastVcpu;

/// <summary>
/// All of a vCPU's architectural state between two instructions, with what waits to be delivered. Not in it: interrupt controllers, the debugger's
/// settings, decoded code and cached translations.
/// </summary>
public sealed class VcpuState
{
    internal VcpuState(string model, byte[] image, ulong[] descriptors, VcpuEvents events, bool eventsAreAtRest)
    {
        Model = model;
        Image = image;
        Descriptors = descriptors;
        Events = events;
        EventsAreAtRest = eventsAreAtRest;
    }

    /// <summary>Name of the CPU model that it belongs to.</summary>
    public string Model { get; }

    internal byte[] Image { get; }

    internal ulong[] Descriptors { get; }

    internal VcpuEvents Events { get; }

    /// <summary>All that there is of <see cref="Events"/> is in the image: nothing waits.</summary>
    internal bool EventsAreAtRest { get; }
}
