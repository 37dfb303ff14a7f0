using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb;

/// <summary>c, C, s, S and vCont: how the vCPUs go on.</summary>
sealed class ResumeCommands(World world, ThreadSelection threads)
{
    /// <summary>c and s with an optional address, C and S with a signal first: for the thread that Hc has selected, or all.</summary>
    public bool TryParse(string text)
    {
        bool hasSignal = text[0] is 'C' or 'S';
        string[] parts = text[1..].Split(';');
        string address = hasSignal ? (parts.Length > 1 ? parts[1] : "") : parts[0];
        ulong pc = 0, signal = 0;
        if ((hasSignal && !Hex.TryNumber(parts[0], out signal)) || (address.Length > 0 && !Hex.TryNumber(address, out pc)))
        {
            return false;
        }
        Resumption resumption = text[0] is 's' or 'S' ? Resumption.Step : Resumption.Continue;
        DebuggedCpu? only = threads.Resumed ?? (resumption == Resumption.Step ? threads.General : null);
        foreach (DebuggedCpu cpu in world.Cpus)
        {
            bool isMeant = only == null || only == cpu;
            Set(cpu, isMeant ? resumption : Resumption.Stay, isMeant ? (int)signal : 0, default);
            if (isMeant && address.Length > 0)
            {
                cpu.Cpu.Regs.Rip = pc;
            }
        }
        return true;
    }

    /// <summary>vCont;action[:thread]…: for each thread the first action that names it counts.</summary>
    public bool TryParseThreads(string text)
    {
        Dictionary<DebuggedCpu, (Resumption Resumption, int Signal, (ulong, ulong) Range)> chosen = [];
        IReadOnlyList<DebuggedCpu> all = world.Cpus;
        foreach (string part in text.Split(';').Skip(1))
        {
            int colon = part.IndexOf(':');
            string action = colon < 0 ? part : part[..colon];
            int id = -1;
            if ((colon >= 0 && !ThreadSelection.TryId(part.AsSpan(colon + 1), out id)) || !TryAction(action, out Resumption resumption, out int signal, out (ulong, ulong) range))
            {
                return false;
            }
            foreach (DebuggedCpu cpu in all.Where(cpu => id <= 0 || cpu.Id == id))
            {
                chosen.TryAdd(cpu, (resumption, signal, range));
            }
        }
        if (chosen.Count == 0)
        {
            return false;
        }
        foreach (DebuggedCpu cpu in all)
        {
            (Resumption resumption, int signal, (ulong, ulong) range) = chosen.GetValueOrDefault(cpu, (Resumption.Stay, 0, default));
            Set(cpu, resumption, signal, range);
        }
        return true;
    }

    static bool TryAction(string action, out Resumption resumption, out int signal, out (ulong Start, ulong End) range)
    {
        range = default;
        signal = 0;
        resumption = action is ['s' or 'S' or 'r', ..] ? Resumption.Step : Resumption.Continue;
        switch (action)
        {
            case "c" or "s":
                return true;
            case ['C' or 'S', .. var text]:
                bool isNumber = Hex.TryNumber(text, out ulong number);
                signal = (int)number;
                return isNumber;
            case ['r', .. var bounds]:
                return Hex.TryPair(bounds, ',', out range.Start, out range.End);
            default:
                return false;
        }
    }

    static void Set(DebuggedCpu cpu, Resumption resumption, int signal, (ulong, ulong) range) =>
        (cpu.Resumption, cpu.Signal, cpu.Range) = (resumption, signal, range);
}
