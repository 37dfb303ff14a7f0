namespace FastVcpu.Linux.Process;

/// <summary>What the system knows of a thread, as data, while it is in no system call. Its CPU is a part of its own.</summary>
sealed partial class GuestThread : IStateful
{
    public void Transfer(StateTransfer state)
    {
        ClearOnExit = state.Value(ClearOnExit);
        RobustList = state.Value(RobustList);
        Mask = state.Value(Mask);
        AlternateStack = new AlternateStack(state.Value(AlternateStack.Start), state.Value(AlternateStack.Size));
        for (int entry = ThreadDescriptors.First; entry < ThreadDescriptors.First + ThreadDescriptors.Count; entry++)
        {
            Descriptors[entry] = state.Value(Descriptors[entry]);
        }

        state.Value(ref _retired, 0, long.MaxValue);
        state.Part(Pending);
    }
}
