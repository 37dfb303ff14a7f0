using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb;

/// <summary>The threads that commands are for: H, T and the lists of threads.</summary>
sealed class ThreadSelection(World world)
{
    int general, resumed;

    /// <summary>The vCPU whose registers and memory are meant; null when there is none any more.</summary>
    public DebuggedCpu? General
    {
        get
        {
            IReadOnlyList<DebuggedCpu> all = world.Cpus;
            return all.FirstOrDefault(cpu => cpu.Id == general) ?? all.FirstOrDefault();
        }
    }

    /// <summary>The vCPU that c and s are for; null: all.</summary>
    public DebuggedCpu? Resumed => world.Cpus.FirstOrDefault(cpu => cpu.Id == resumed);

    public void Select(DebuggedCpu cpu) => general = cpu.Id;

    public DebuggedCpu? Find(int id) => world.Cpus.FirstOrDefault(cpu => cpu.Id == id);

    /// <summary>H: selects a thread.</summary>
    public string Choose(string text)
    {
        if (text.Length < 3 || text[1] is not ('g' or 'c') || !TryId(text.AsSpan(2), out int id) || (id > 0 && Find(id) == null))
        {
            return Session.Error;
        }
        if (text[1] == 'g')
        {
            general = id > 0 ? id : general;
        }
        else
        {
            resumed = Math.Max(id, 0);
        }
        return Session.Done;
    }

    /// <summary>T: whether a thread is there.</summary>
    public string IsAlive(string text) => TryId(text.AsSpan(1), out int id) && Find(id) != null ? Session.Done : Session.Error;

    /// <summary>A thread's number; 0 any, −1 all. A process number in front (p1.2) is passed over.</summary>
    public static bool TryId(ReadOnlySpan<char> text, out int id)
    {
        if (text.StartsWith("p", StringComparison.Ordinal))
        {
            int point = text.IndexOf('.');
            text = point < 0 ? "-1" : text[(point + 1)..];
        }
        id = -1;
        if (text is "-1")
        {
            return true;
        }
        bool isNumber = Hex.TryNumber(text, out ulong value) && value <= int.MaxValue;
        id = (int)value;
        return isNumber;
    }
}
