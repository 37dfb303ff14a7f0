using FastVcpu.Linux.Elf;
using FastVcpu.Linux.Files;
using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux;

public sealed partial class FrozenProgram
{
    /// <summary>Memory below the stack pointer that belongs to the function that runs.</summary>
    const ulong RedZone = 128;

    /// <summary>The most instructions of a function that chooses an implementation.</summary>
    const long LongestChoice = 10_000_000;

    /// <summary>How the files of the C and C++ runtime begin.</summary>
    static readonly string[] s_runtime = ["libc.so", "libc-", "ld-linux", "ld-2", "libpthread", "libstdc++.so", "libgcc_s.so"];

    /// <summary>
    /// Address of a function or object that the program or one of its libraries exports, or null. The first one that has it counts, in the order of their addresses. Of a function with several
    /// implementations for different CPUs (an IFUNC), it is the one that its own code chooses, which runs for that.
    /// </summary>
    /// <param name="name">Its name.</param>
    public ulong? FindSymbol(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return FindSymbol(name, _ => true);
    }

    /// <summary>Address of what one file exports, or null.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="file">Path of the file in the guest.</param>
    internal ulong? FindSymbol(string name, string file)
    {
        using Location? location = _linux.Process.Paths.Resolve(_linux.Process.Files.WorkingDirectory, PathText.FromUnicode(file), true, out _);
        return FindSymbol(name, mapping => mapping.Name == location?.Path);
    }

    /// <summary>
    /// Names a place in the code by its file and the offset in it, as "bc+1a2b"; null where no file is mapped. In the runtime of C and C++, a place says little without its callers.
    /// </summary>
    /// <param name="address">Its address.</param>
    public (string Name, bool IsRuntime)? Locate(ulong address)
    {
        const int LongestName = 40;
        GuestMapping? mapping = _turns.Current.Process.Memory.Mappings.Find(entry => entry.Start <= address && address < entry.End);
        if (mapping is not { Name: ['/', ..] path })
        {
            return null;
        }

        string file = path[(path.LastIndexOf('/') + 1)..];
        bool isRuntime = s_runtime.Any(name => file.StartsWith(name, StringComparison.Ordinal));
        file = string.Concat(file.Take(LongestName).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' ? letter : '_'));
        return ($"{file}+{address - mapping.Start + mapping.Offset:x}", isRuntime);
    }

    ulong? FindSymbol(string name, Predicate<GuestMapping> isWanted)
    {
        foreach (GuestMapping mapping in _linux.Process.Memory.Mappings.Where(mapping => mapping.Offset == 0 && mapping.Name.Length > 0 && isWanted(mapping)))
        {
            if (ExportedSymbols.Find(_linux.Process.Memory, mapping.Start, name) is { } symbol)
            {
                return symbol.IsIndirect ? Choose(symbol.Address) : symbol.Address;
            }
        }

        return null;
    }

    /// <summary>Calls a function that returns the address of another; null: it does not return. Nothing is left of the call but what is below the stack.</summary>
    ulong? Choose(ulong function)
    {
        VcpuState state = Cpu.SaveState();
        GuestCall.Prepare(Cpu, WordSize, Cpu.Regs.Rsp - RedZone, function, []);
        for (long instructions = LongestChoice; instructions > 0;)
        {
            VcpuExit exit = Cpu.Run(instructions);
            instructions -= exit.InstructionsRetired;
            if (exit.Reason != ExitReason.Interrupted)
            {
                break;
            }
        }

        ulong? chosen = Cpu.Regs.Rip == GuestCall.ReturnAddress ? Cpu.Regs.Rax : null;
        Cpu.RestoreState(state);
        return chosen;
    }
}
