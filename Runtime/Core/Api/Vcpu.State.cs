using FastVcpu.Execution;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>The part of the state that is the guest's; behind it there are only caches.</summary>
    const int ImageSize = CpuState.DeviceTlbOffset;

    /// <summary>What lies in that part and is this vCPU's own: pointers, requests, the debugger's settings.</summary>
    static readonly (int Offset, int Size)[] own =
    [
        (0x0A8, sizeof(int)), (0x0C8, sizeof(long)), (0x0D0, sizeof(long)), (0x0D8, sizeof(uint)), (0x0F8, sizeof(long)), (0x288, 7 * sizeof(long)),
        (CpuState.EventOffset + 24, sizeof(int)), (CpuState.EventOffset + 32, sizeof(int)), (CpuState.EventOffset + 44, sizeof(int)),
    ];

    /// <summary>Copies the state.</summary>
    /// <exception cref="InvalidOperationException">The last exit is an access that has not been completed: run with <see cref="ImmediateExit"/> first.</exception>
    public VcpuState SaveState()
    {
        byte[] image = new ReadOnlySpan<byte>(State, ImageSize).ToArray();
        if (accessIsPending || Mmio.IsPending || IsCompleting)
        {
            throw new InvalidOperationException("The access of the last exit has not been completed.");
        }
        foreach ((int offset, int size) in own)
        {
            image.AsSpan(offset, size).Clear();
        }
        return new VcpuState(Model.Name, image, [.. descriptors], Events);
    }

    /// <summary>Makes the state what it was. An access that the last exit asked for is dropped.</summary>
    /// <param name="saved">State of this or of another vCPU of the same model.</param>
    /// <exception cref="ArgumentException">It belongs to another model. Nothing has changed.</exception>
    public void RestoreState(VcpuState saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        CpuState* s = State;
        DebugRegisters debugRegisters = DebugRegisters;
        ulong cr4 = s->Cr4;
        if (saved.Model != Model.Name)
        {
            throw new ArgumentException($"The state belongs to a CPU of model {saved.Model}, not {Model.Name}.", nameof(saved));
        }
        (accessIsPending, accessIsServed, owesStep, ioHits, deliveries) = (false, false, false, 0, 0);
        passedHook = null;
        Mmio.Forget();
        // Piece by piece around what is this vCPU's own.
        ReadOnlySpan<byte> image = saved.Image;
        int from = 0;
        foreach ((int offset, int size) in own)
        {
            image[from..offset].CopyTo(new Span<byte>((byte*)s + from, offset - from));
            from = offset + size;
        }
        image[from..].CopyTo(new Span<byte>((byte*)s + from, ImageSize - from));
        saved.Descriptors.CopyTo(descriptors, 0);
        Events = saved.Events;
        if (DebugRegisters != debugRegisters || s->Cr4 != cr4)
        {
            Debugging.Update();
        }
        if (!isUserMode)
        {
            hasNewState = true;
            Flush(PendingBits.FlushTranslations);
        }
        UpdateMode();
    }
}
