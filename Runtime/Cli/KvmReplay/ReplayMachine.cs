using Iced.Intel;

namespace FastVcpu.Cli.KvmReplay;

/// <summary>Registers that scenarios look at.</summary>
record struct ReplayRegisters(ulong Rax, ulong Rbx, ulong Rcx, ulong Rdx, ulong Rsi, ulong Rdi, ulong Rsp, ulong Rip, ulong Rflags);

/// <summary>What a scenario has seen.</summary>
/// <param name="What">What was looked at.</param>
/// <param name="Value">What it was.</param>
/// <param name="Reason">Why it may differ between the two: a statement of the specification of guest debugging, or "host" and why. Null: it must not.</param>
sealed record Observation(string What, string Value, string? Reason);

/// <summary>
/// A small real-mode machine, on KVM or on FastVcpu: memory at 0, code at <see cref="Start"/>, all segments 0, an IRET for every vector, no interrupt
/// controller. Scenarios drive it and note what they see.
/// </summary>
abstract class ReplayMachine : IDisposable
{
    public const ushort Start = 0x1000, Stack = 0x8000, Data = 0x9000;
    public const int RamSize = 0x40000;
    public const uint Enable = 1, SingleStep = 2, UseSoftware = 0x10000, UseHardware = 0x20000, InjectDebug = 0x40000, InjectBreakpoint = 0x80000, BlockInterrupts = 0x100000;
    public const ulong Trap = 0x100, InterruptFlag = 0x200, Resume = 0x10000;

    const int FirstHandler = 0x3000, HandlerSize = 16;
    const byte Iret = 0xCF, Hlt = 0xF4;

    public List<Observation> Seen { get; } = [];

    public abstract ReplayRegisters Registers { get; set; }

    /// <summary>DR0–DR3, DR6, DR7.</summary>
    public abstract DebugRegisters GuestBreakpoints { get; set; }

    /// <summary>Pending NMIs, masked, shadow, as text.</summary>
    public abstract string Events { get; }

    public abstract bool ImmediateExit { set; }

    public abstract bool RequestWindow { set; }

    public abstract bool IsReady { get; }

    /// <summary>The debugger's capability mask.</summary>
    public abstract uint Capability { get; }

    public static int Handler(int vector) => FirstHandler + vector * HandlerSize;

    public abstract void Write(int address, ReadOnlySpan<byte> bytes);

    public abstract void Read(int address, Span<byte> bytes);

    /// <summary>Runs; the exit as text.</summary>
    public abstract string Run();

    /// <summary>What the last IN or MMIO read gets.</summary>
    public abstract void Answer(byte value);

    /// <summary>"ok" or the name of the error.</summary>
    public abstract string SetGuestDebug(uint control, DebugRegisters breakpoints);

    public abstract string Interrupt(uint vector);

    public abstract void Nmi();

    public abstract void SetShadow(int shadow);

    public abstract void Dispose();

    /// <summary>Loads code and puts the registers to their beginnings.</summary>
    public void Begin(Action<Assembler> code)
    {
        for (int vector = 0; vector < 256; vector++)
        {
            Write(vector * 4, [(byte)Handler(vector), (byte)(Handler(vector) >> 8), 0, 0]);
            Write(Handler(vector), [Iret]);
        }
        byte[] bytes = Assemble(code);
        Write(Start, bytes);
        Write(Start + bytes.Length, [Hlt, Hlt]);
        Registers = new ReplayRegisters(0, 0, 0, 0, 0, 0, Stack, Start, 2);
    }

    public static byte[] Assemble(Action<Assembler> code)
    {
        Assembler assembler = new(16);
        code(assembler);
        if (assembler.Instructions.Count == 0)
        {
            return [];
        }
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), Start);
        return stream.ToArray();
    }

    public void SetHandler(int vector, params byte[] code) => Write(Handler(vector), code);

    /// <summary>Sets the flags of a debugger, which have to be taken.</summary>
    public string Debug(uint control, DebugRegisters? breakpoints = null) => SetGuestDebug(control, breakpoints ?? DebugRegisters.Reset);

    /// <summary>Notes an observation.</summary>
    public void Note(string what, object value, string? reason = null) => Seen.Add(new Observation(what, value.ToString()!, reason));

    /// <summary>Runs, and notes the exit with IP and FLAGS.</summary>
    public void NoteRun(string what = "run", string? reason = null)
    {
        string exit = Run();
        ReplayRegisters r = Registers;
        Note(what, $"{exit}, ip {r.Rip:x}, flags {r.Rflags:x}", reason);
    }

    /// <summary>Arms a step, runs, and notes.</summary>
    public void NoteStep(string what = "step", string? reason = null, uint flags = 0, DebugRegisters? breakpoints = null)
    {
        Debug(Enable | SingleStep | flags, breakpoints);
        NoteRun(what, reason);
    }

    public ushort Word(ulong address)
    {
        Span<byte> bytes = stackalloc byte[2];
        Read((int)address, bytes);
        return BitConverter.ToUInt16(bytes);
    }

    protected static string DebugText(int exception, ulong pc, ulong dr6) => exception == 1 ? $"DEBUG 1 pc {pc:x} dr6 {dr6:x}" : $"DEBUG {exception} pc {pc:x}";
}
