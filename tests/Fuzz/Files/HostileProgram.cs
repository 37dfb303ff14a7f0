using FastVcpu.Linux;

namespace FastVcpu.Fuzz.Files;

/// <summary>
/// Damaged Linux programs: small ones, and the host's <c>true</c> and <c>busybox</c>, their dynamic linker too. They see nothing but a folder of their own, which they cannot
/// write to, start no others, and end with a limit of instructions.
/// </summary>
sealed class HostileProgram : HostileFile
{
    const long Instructions = 200_000;
    const int Headers = 0x400;
    const string Linker = "/lib64/ld-linux-x86-64.so.2", Library = "/lib/x86_64-linux-gnu/libc.so.6";

    readonly GuestRoot root = new();
    readonly List<byte[]> programs = [];
    readonly byte[]? linker;

    public HostileProgram()
    {
        // write(1, text, 16) and exit(0), in the calls of both systems.
        byte[] code32 = [0xB8, 4, 0, 0, 0, 0xBB, 1, 0, 0, 0, 0xB9, 0, 0, 0x10, 0, 0xBA, 16, 0, 0, 0, 0xCD, 0x80, 0xB8, 1, 0, 0, 0, 0x31, 0xDB, 0xCD, 0x80];
        byte[] code64 = [0xB8, 1, 0, 0, 0, 0xBF, 1, 0, 0, 0, 0xBE, 0, 0, 0x10, 0, 0xBA, 16, 0, 0, 0, 0x0F, 0x05, 0xB8, 60, 0, 0, 0, 0x31, 0xFF, 0x0F, 0x05];
        programs.AddRange([ElfBuilder.Build(false, code32, (0, 16), upper: 0), ElfBuilder.Build(true, code64, (0, 16), upper: 0)]);
        if (File.Exists("/bin/true") && File.Exists(Linker) && File.Exists(Library))
        {
            linker = File.ReadAllBytes(Linker);
            root.Put(Linker, linker);
            root.Put(Library, File.ReadAllBytes(Library));
            programs.Add(File.ReadAllBytes("/bin/true"));
        }
        if (File.Exists("/bin/busybox"))
        {
            programs.Add(File.ReadAllBytes("/bin/busybox"));
        }
    }

    public override string Take(Random random)
    {
        // The small ones four times out of five: they are the fastest.
        int choice = random.Next(5) != 0 ? random.Next(2) : random.Next(programs.Count);
        byte[] program = programs[choice];
        if (choice == 2 && random.Next(4) == 0)
        {
            root.Put("program", program);
            root.Put(Linker, Mutation.OfBytes(linker!, Headers, random));
        }
        else
        {
            if (choice == 2)
            {
                root.Put(Linker, linker!);
            }
            root.Put("program", Mutation.OfBytes(program, choice < 2 ? program.Length : Headers, random));
        }
        try
        {
            LinuxOptions options = root.Options with { Arguments = ["true"], RandomSeed = 1 };
            using FrozenProgram frozen = new("/program", options, null, Instructions);
            return "loaded";
        }
        catch (LinuxLoadException error)
        {
            return error.Message.StartsWith("The program ended", StringComparison.Ordinal) ? "ended" : error.Message.StartsWith("The program did not", StringComparison.Ordinal) ? "ran" : Refused(error);
        }
    }

    public override void Dispose() => root.Dispose();
}
