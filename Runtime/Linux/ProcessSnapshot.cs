using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;
using FastVcpu.Linux.Process;

namespace FastVcpu.Linux;

/// <summary>What the system knows of a process whose threads take turns. Memory, and the registers of the thread whose turn it is, are somebody else's to restore.</summary>
sealed class ProcessSnapshot(LinuxProcess linux) : IDisposable
{
    readonly LinuxSystem _system = linux.System;
    readonly GuestProcess _process = linux.Process;
    (MappingList, ulong) _layout = linux.Process.Memory.SaveLayout();
    readonly SavedDescriptors _descriptors = new(linux.Process.Descriptors);
    readonly SignalActions _actions = linux.Process.Actions.Clone();
    readonly (long Left, long Interval) _timer = linux.Process.Timer.Get();
    readonly FileContext _context = linux.Process.Files.Clone();
    readonly string _name = linux.Process.Name;
    readonly (GuestThread Thread, GuestThread.State State)[] _threads = [.. linux.Process.Threads.Select(thread => (thread, thread.Save()))];
    readonly GuestProcess[] _children = [.. linux.Process.Children], _processes = [.. linux.System.Processes.Values];
    readonly (SharedMemory Memory, byte[] Contents)[] _shared = [.. linux.Process.Memory.Mappings.Select(mapping => mapping.Shared).OfType<SharedMemory>().Distinct().Select(shared => (shared, shared.Contents.ToArray()))];
    readonly GuestThread _current = linux.System.Turns!.Current;
    readonly string[] _refused = [.. linux.System.Refused];
    readonly (FutexWaiter, ulong)[] _futexes = linux.System.Futexes.Save();
    readonly (ulong Random, int NextId, int ThreadCount, int QueueCount) _numbers = (linux.System.RandomState, linux.System.NextId, linux.System.ThreadCount, linux.System.QueueCount);

    public void Restore()
    {
        bool hadOthers = _system.Turns!.Restart([.. _threads.Select(entry => entry.Thread)], _current);
        foreach ((SharedMemory memory, byte[] contents) in hadOthers ? _shared : [])
        {
            // What another process has written there has passed by the memory of this one.
            contents.CopyTo(memory.Contents);
        }

        _process.RestoreChildren(_children);
        _system.Restore(_processes);
        _process.Memory.RestoreLayout(_layout);
        _descriptors.Restore();
        _system.Network?.Restore();
        _process.Revive(_actions);
        _process.Timer.Set(_timer.Left, _timer.Interval);
        (_process.Files.WorkingDirectory, _process.Files.CreationMask) = (_context.WorkingDirectory, _context.CreationMask);
        _process.Name = _name;
        (_system.RandomState, _system.NextId, _system.ThreadCount, _system.QueueCount) = _numbers;
        _system.Refused.Clear();
        _system.Refused.UnionWith(_refused);
        _process.RestoreThreads(_threads);
        _system.Futexes.Restore(_futexes);
    }

    /// <summary>What is mapped now is what there will be.</summary>
    public void KeepLayout() => _layout = _process.Memory.SaveLayout();

    public void Dispose() => _descriptors.Dispose();
}
