using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    const int DebugRegisterCount = 8;

    /// <summary>Copies the state.</summary>
    /// <exception cref="InvalidOperationException">The last exit is an access that has not been completed: run with <see cref="ImmediateExit"/> first.</exception>
    public VcpuState SaveState()
    {
        byte[] image = new ReadOnlySpan<byte>(State, CpuState.ImageSize).ToArray();
        if (accessIsPending || Mmio.IsPending || IsCompleting)
        {
            throw new InvalidOperationException("The access of the last exit has not been completed.");
        }
        image.AsSpan(CpuState.OwnOffset, CpuState.OwnSize).Clear();
        return new VcpuState(Model.Name, image, descriptors, Events, Queue.IsAtRest);
    }

    /// <summary>Makes the state what it was. An access that the last exit asked for is dropped.</summary>
    /// <param name="saved">State of this or of another vCPU of the same model.</param>
    /// <exception cref="ArgumentException">It belongs to another model. Nothing has changed.</exception>
    public void RestoreState(VcpuState saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        CpuState* s = State;
        if (saved.Model != Model.Name)
        {
            throw new ArgumentException($"The state belongs to a CPU of model {saved.Model}, not {Model.Name}.", nameof(saved));
        }
        (accessIsPending, accessIsServed, owesStep, ioHits, deliveries) = (false, false, false, 0, 0);
        passedHook = null;
        Mmio.Forget();
        uint mode = s->Mode;
        bool debugsAnew;
        fixed (byte* image = &saved.BeginRestoring())
        {
            CpuState* old = (CpuState*)image;
            debugsAnew = old->Cr4 != s->Cr4
                || !new ReadOnlySpan<ulong>(&old->FirstDr, DebugRegisterCount).SequenceEqual(new ReadOnlySpan<ulong>(&s->FirstDr, DebugRegisterCount));
            Lines.Copy(image, (byte*)s, CpuState.OwnOffset);
            Lines.Copy(image + CpuState.FprOffset, (byte*)s + CpuState.FprOffset, CpuState.ImageSize - CpuState.FprOffset);
        }
        descriptors = saved.Descriptors;
        if (!saved.EventsAreAtRest || !Queue.IsAtRest)
        {
            Events = saved.Events;
        }
        if (debugsAnew)
        {
            Debugging.Update();
        }
        if (s->Mode != mode)
        {
            ReturnStack.Clear(s);
        }
        if (!isUserMode)
        {
            hasNewState = true;
            Flush(PendingBits.FlushTranslations);
            UpdateMode();
        }
    }
}
