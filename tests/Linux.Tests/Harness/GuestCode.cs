using Iced.Intel;

namespace FastVcpu.Tests.Harness;

static partial class GuestCode
{
    /// <summary>Runs a program made of assembly code.</summary>
    public static GuestResult Run(int bits, Action<Assembler> write, LinuxOptions? options = null)
    {
        using TemporaryFolder folder = new();
        return Guest.Run(options ?? new LinuxOptions(), folder.Write("program", ElfBuilder.Build(bits, write)));
    }
}
