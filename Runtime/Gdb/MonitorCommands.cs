using System.Globalization;
using System.Text;

namespace FastVcpu.Gdb;

/// <summary>What the user can ask with gdb's <c>monitor</c>.</summary>
sealed class MonitorCommands(World world, ThreadSelection threads)
{
    const string Help = """
        help                  this text
        registers             control, segment and debug registers of the current vCPU
        events                what waits to be delivered to it
        translate ADDRESS     where a linear address leads
        physical on|off       memory commands use physical addresses
        sstep [N]             step flags: 1 enable, 2 hold interrupts back, 4 stop the clock
        nmi | smi             sends one to the current vCPU
        interrupt VECTOR      sends an interrupt to it

        """;

    public string Reply(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (threads.General is not { Cpu: var cpu })
        {
            return "There is no vCPU.\n";
        }
        return words switch
        {
            [] or ["help"] => Help,
            ["registers"] => Registers(cpu),
            ["events"] => Events(cpu.Events),
            ["translate", var address] => Translate(cpu, address),
            ["physical", "on" or "off"] => SetPhysical(words[1] == "on"),
            ["sstep"] => $"{(int)world.StepFlags}\n",
            ["sstep", ['0' or '1' or '2' or '3' or '4' or '5' or '6' or '7']] => SetStepFlags(words[1][0] - '0'),
            ["nmi"] => Send(cpu.Nmi),
            ["smi"] => Send(cpu.Smi),
            ["interrupt", var vector] => TryNumber(vector, out ulong number) && number < 256 ? Send(() => cpu.Interrupt((int)number)) : "A vector is 0 to 255.\n",
            _ => $"'{words[0]}' is not understood; see monitor help.\n",
        };
    }

    static string Registers(Vcpu cpu)
    {
        SystemRegisters r = cpu.SystemRegisters;
        DebugRegisters d = cpu.DebugRegisters;
        StringBuilder text = new();
        text.Append($"CR0 {r.Cr0:x16}  CR2 {r.Cr2:x16}  CR3 {r.Cr3:x16}\nCR4 {r.Cr4:x16}  CR8 {r.Cr8:x16}  EFER {r.Efer:x16}\n");
        foreach ((string name, SegmentRegister s) in new[] { ("ES", r.Es), ("CS", r.Cs), ("SS", r.Ss), ("DS", r.Ds), ("FS", r.Fs), ("GS", r.Gs), ("LDT", r.Ldt), ("TR", r.Tr) })
        {
            text.Append($"{name,-3} {s.Selector:x4}  base {s.Base:x16}  limit {s.Limit:x8}  attributes {s.Attributes:x4}\n");
        }
        text.Append($"GDT base {r.Gdt.Base:x16}  limit {r.Gdt.Limit:x4}\nIDT base {r.Idt.Base:x16}  limit {r.Idt.Limit:x4}\n");
        text.Append($"DR0 {d.Dr0:x16}  DR1 {d.Dr1:x16}  DR2 {d.Dr2:x16}  DR3 {d.Dr3:x16}\nDR6 {d.Dr6:x8}  DR7 {d.Dr7:x8}\n");
        return text.ToString();
    }

    static string Events(VcpuEvents events)
    {
        StringBuilder text = new();
        if (events.Exception is { IsPending: true } or { IsInjected: true })
        {
            text.Append($"exception {events.Exception.Vector}{(events.Exception.HasErrorCode ? $" error {events.Exception.ErrorCode:x}" : "")}\n");
        }
        if (events.Interrupt is { IsPending: true } or { IsInjected: true })
        {
            text.Append($"interrupt {events.Interrupt.Vector:x2}\n");
        }
        text.Append(events.Interrupt.Shadow != InterruptShadow.None ? $"shadow of {events.Interrupt.Shadow}\n" : "");
        text.Append($"NMIs {events.Nmi.Pending}{(events.Nmi.IsMasked ? ", masked" : "")}\n");
        text.Append($"SMI {(events.Smi.IsPending ? "pending" : "none")}{(events.Smi.IsInSmm ? ", in system-management mode" : "")}\n");
        return text.ToString();
    }

    static string Translate(Vcpu cpu, string text)
    {
        if (!TryNumber(text, out ulong address))
        {
            return $"'{text}' is not an address.\n";
        }
        LinearTranslation found = cpu.Translate(address);
        return found.IsValid
            ? $"{address:x} -> {found.PhysicalAddress:x}{(found.IsWritable ? " writable" : "")}{(found.IsUser ? " user" : "")}\n"
            : $"{address:x} is not mapped\n";
    }

    string SetPhysical(bool isPhysical)
    {
        if (!world.Memory.HasPhysical)
        {
            return "A program in user mode has no physical memory.\n";
        }
        world.Memory.IsPhysical = isPhysical;
        return "";
    }

    string SetStepFlags(int flags)
    {
        world.StepFlags = (StepFlags)flags;
        return "";
    }

    static string Send(Action action)
    {
        action();
        return "";
    }

    static bool TryNumber(string text, out ulong value) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
