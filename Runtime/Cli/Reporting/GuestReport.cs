using System.Text;

namespace FastVcpu.Cli.Reporting;

/// <summary>Why a guest stopped, in words, with its registers and the code it stopped at.</summary>
static class GuestReport
{
    /// <summary>Copies guest code at an instruction pointer; returns how many bytes there are.</summary>
    public delegate int CodeReader(ulong instructionPointer, Span<byte> code);

    static readonly string[] Names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>An exit that the caller cannot serve.</summary>
    public static string Fault(Vcpu cpu, VcpuExit exit, int bits, CodeReader readCode) => Text(Sentence(exit), cpu, bits, readCode);

    /// <summary>A real-mode guest raised an interrupt that it has no handler for.</summary>
    public static string Interrupt(Vcpu cpu, int vector, CodeReader readCode) =>
        Text($"interrupt or exception {Exception(vector)} without a handler of the guest", cpu, 16, readCode);

    /// <summary>Reads code for the disassembly, up to the first page that is not mapped.</summary>
    public static int ReadCode(AddressSpace space, ulong address, Span<byte> code)
    {
        int length = 0;
        while (length < code.Length && space.TryRead(address + (ulong)length, code.Slice(length, 1)))
        {
            length++;
        }

        return length;
    }

    /// <summary>What the exit says.</summary>
    public static string Sentence(VcpuExit exit) => exit.Reason switch
    {
        ExitReason.Exception when exit.Vector == 14 => $"{Exception(14)}: {Access(exit.ErrorCode)} at address 0x{exit.Address:x}, error code 0x{exit.ErrorCode:x}",
        ExitReason.Exception when exit.HasErrorCode => $"{Exception(exit.Vector)}, error code 0x{exit.ErrorCode:x}",
        ExitReason.Exception => Exception(exit.Vector),
        ExitReason.SoftwareInterrupt => $"INT 0x{exit.Vector:x} that nobody serves here",
        ExitReason.SystemCall => "a SYSCALL that nobody serves here",
        ExitReason.SystemEnter => "a SYSENTER that nobody serves here",
        ExitReason.Io => $"port 0x{exit.Port:x} that nobody serves here",
        _ => $"exit {exit.Reason}",
    };

    /// <summary>The SDM's mnemonic and name of an exception vector.</summary>
    public static string Exception(int vector) => vector switch
    {
        0 => "#DE divide error",
        1 => "#DB debug exception",
        3 => "#BP breakpoint",
        4 => "#OF overflow",
        5 => "#BR bound range exceeded",
        6 => "#UD invalid opcode",
        7 => "#NM device not available",
        8 => "#DF double fault",
        10 => "#TS invalid TSS",
        11 => "#NP segment not present",
        12 => "#SS stack fault",
        13 => "#GP general protection",
        14 => "#PF page fault",
        16 => "#MF x87 floating-point error",
        17 => "#AC alignment check",
        19 => "#XM SIMD floating-point exception",
        _ => "vector",
    } + $" ({vector})";

    /// <summary>Name of a general register by its number in encodings.</summary>
    public static string RegisterName(int number, int bits) => number < 8 ? Name(Names[number], bits) : Names[number];

    static string Access(uint errorCode)
    {
        string kind = (errorCode & 0x10) != 0 ? "fetch" : (errorCode & 2) != 0 ? "write" : "read";
        return (errorCode & 1) != 0 ? kind + " not permitted" : kind + " where nothing is mapped";
    }

    static string Text(string sentence, Vcpu cpu, int bits, CodeReader readCode)
    {
        StringBuilder text = new();
        int digits = bits / 4;
        ulong mask = ulong.MaxValue >> (64 - bits);
        ulong rip = cpu.Regs.Rip & mask;
        text.Append("the guest stopped: ").Append(sentence).Append($", at {Name("rip", bits)} 0x{rip:x}\n");

        Span<byte> code = stackalloc byte[Disassembly.LongestInstruction];
        int length = readCode(rip, code);
        text.Append($"  {Convert.ToHexStringLower(code[..length])}: {Disassembly.First(code[..length], bits, rip)}\n");

        int registers = bits == 64 ? 16 : 8;
        for (int i = 0; i < registers; i++)
        {
            string value = (cpu.Regs[i] & mask).ToString("x" + digits);
            text.Append($"  {Name(Names[i], bits),-3} {value}").Append(i % 4 == 3 ? "\n" : "");
        }

        text.Append($"  {Name("rflags", bits)} {(cpu.Regs.Rflags & uint.MaxValue).ToString("x" + Math.Min(digits, 8))}");
        if (bits == 16)
        {
            SegmentFile segments = cpu.Segments;
            text.Append($"  cs {segments.Cs.Selector:x4}  ss {segments.Ss.Selector:x4}  ds {segments.Ds.Selector:x4}  es {segments.Es.Selector:x4}");
        }

        return text.ToString();
    }

    /// <summary>The register's name at this width: rax, eax, ax.</summary>
    static string Name(string name, int bits) => bits switch
    {
        64 => name,
        32 => "e" + name[1..],
        _ => name[1..],
    };
}
