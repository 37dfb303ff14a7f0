using FastVcpu.Bench.Guests;
using FastVcpu.Bench.Running;

namespace FastVcpu.Bench.Peers;

/// <summary>An emulator of whole machines, whose firmware is the guest with a wrapper (<see cref="GuestRom"/>).</summary>
abstract class MachineEngine(string name, string scratch) : Engine(name)
{
    protected string Scratch => scratch;

    public override Finished Call(GuestProgram program, int iterations)
    {
        string rom = Path.Combine(scratch, $"{program}-{iterations}.rom");
        if (!File.Exists(rom))
        {
            GuestRom.Write(rom, File.ReadAllBytes(program.File), program.Bits, iterations);
        }
        return Boot(rom);
    }

    protected abstract Finished Boot(string rom);
}

/// <summary>qemu-system with its translator (TCG).</summary>
sealed class QemuSystemEngine(string scratch) : MachineEngine("qemu-system", scratch)
{
    const string Program = "qemu-system-x86_64";

    public override string? Missing => Tool.Missing(Program);

    protected override Finished Boot(string rom) => CpuTime.Run(Program,
    [
        "-accel", "tcg", "-cpu", "max", "-m", "64", "-bios", rom, "-nodefaults", "-display", "none", "-no-reboot",
        "-debugcon", "stdio", "-device", $"isa-debug-exit,iobase=0x{GuestRom.ExitPort:x}",
    ]);
}

/// <summary>Bochs, without a display.</summary>
sealed class BochsEngine(string scratch) : MachineEngine("Bochs", scratch)
{
    const string Program = "bochs";

    public override string? Missing => Tool.Missing(Program) ?? (VgaBios == null ? "Bochs' VGA BIOS is not installed." : null);

    static string? VgaBios => new[] { "/usr/share/bochs/VGABIOS-lgpl-latest", "/usr/share/vgabios/vgabios.bin" }.FirstOrDefault(File.Exists);

    protected override Finished Boot(string rom)
    {
        string configuration = Path.ChangeExtension(rom, ".bochsrc");
        File.WriteAllText(configuration, $"""
            display_library: rfb, options="timeout=0"
            romimage: file={rom}
            vgaromimage: file={VgaBios}
            megs: 64
            cpu: model=corei7_haswell_4770, reset_on_triple_fault=0
            speaker: enabled=0
            sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
            port_e9_hack: enabled=1
            log: /dev/null
            panic: action=fatal
            error: action=ignore
            info: action=ignore
            debug: action=ignore
            """);
        // Debian's has a debugger, which has to be told to go on.
        string commands = Path.ChangeExtension(rom, ".commands");
        File.WriteAllText(commands, "c\n");
        return CpuTime.Run(Program, ["-q", "-f", configuration, "-rc", commands]);
    }
}
