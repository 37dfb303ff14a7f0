using FastVcpu.Linux.Files;
using FastVcpu.Linux.Snapshots;

namespace FastVcpu.Linux.Process;

/// <summary>What the system knows of a process, as data. Threads, memory and descriptors are parts of their own.</summary>
sealed partial class GuestProcess : IStateful
{
    public void Transfer(StateTransfer state)
    {
        Program = Program with
        {
            Path = state.Path(Program.Path),
            CommandLine = state.Block(Program.CommandLine, TransferExtensions.MostText),
            AuxiliaryVector = state.Block(Program.AuxiliaryVector, TransferExtensions.MostText),
        };
        Name = state.Path(Name);
        Group = state.Value(Group);
        Session = state.Value(Session);
        string directory = state.Path(Files.WorkingDirectory.Path);
        Files.CreationMask = state.Value(Files.CreationMask);
        state.Part(Actions);
        state.Part(Pending);
        state.Part(Limits);
        state.Part(Timer);
        if (state.IsRestoring)
        {
            Files.WorkingDirectory = FileOpener.OpenDirectory(this, directory)
                ?? throw new SnapshotException($"The working directory of the snapshot's program, {PathText.ToUnicode(directory)}, is not there.");
        }
    }
}
