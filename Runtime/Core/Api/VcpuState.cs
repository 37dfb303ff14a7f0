namespace FastVcpu;

/// <summary>
/// All of a vCPU's architectural state between two instructions, with what waits to be delivered. Not in it: interrupt controllers, the debugger's
/// settings, decoded code and cached translations.
/// </summary>
public sealed class VcpuState
{
    internal VcpuState(string model, byte[] image, ulong[] descriptors, VcpuEvents events) => (Model, Image, Descriptors, Events) = (model, image, descriptors, events);

    /// <summary>Name of the CPU model that it belongs to.</summary>
    public string Model { get; }

    internal byte[] Image { get; }

    internal ulong[] Descriptors { get; }

    internal VcpuEvents Events { get; }
}
