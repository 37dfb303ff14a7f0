using System.Buffers.Binary;

namespace FastVcpu.Gdb.Registers;

/// <summary>The registers that a vCPU shows, in gdb's order: the core first, so that <c>g</c> carries it.</summary>
sealed class RegisterSet
{
    public const string Core = "org.gnu.gdb.i386.core", Sse = "org.gnu.gdb.i386.sse", Avx = "org.gnu.gdb.i386.avx";
    public const string Segments = "org.gnu.gdb.i386.segments", Linux = "org.gnu.gdb.i386.linux", System = "org.fastvcpu.i386.system";

    static readonly string[] Names32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    static readonly string[] Names64 = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
    static readonly int[] Numbers64 = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];
    static readonly (string Name, int Number)[] SegmentNames = [("cs", 1), ("ss", 2), ("ds", 3), ("es", 0), ("fs", 4), ("gs", 5)];

    readonly List<Register> all = [];

    public RegisterSet(bool is64, bool isUserMode, bool isLinux)
    {
        Is64 = is64;
        IsLinux = isLinux;
        AddCore();
        X87Registers.AddTo(all);
        AddVectors();
        if (is64)
        {
            AddNumber(Segments, "fs_base", 8, "int", null, cpu => cpu.Segments.Fs.Base, (cpu, value) => cpu.Segments.Fs = cpu.Segments.Fs with { Base = value });
            AddNumber(Segments, "gs_base", 8, "int", null, cpu => cpu.Segments.Gs.Base, (cpu, value) => cpu.Segments.Gs = cpu.Segments.Gs with { Base = value });
        }
        if (isLinux)
        {
            // The number of the system call that is to be made again after a signal; none here.
            AddNumber(Linux, is64 ? "orig_rax" : "orig_eax", is64 ? 8 : 4, "int", "system", _ => ulong.MaxValue, (_, _) => { });
        }
        if (!isUserMode)
        {
            SystemRegisterList.AddTo(this);
        }
    }

    public bool Is64 { get; }

    public bool IsLinux { get; }

    public IReadOnlyList<Register> All => all;

    /// <summary>How many of them <c>g</c> and <c>G</c> carry: all but those of the system.</summary>
    public int GeneralCount => all.FindIndex(register => register.Feature == System) is >= 0 and var index ? index : all.Count;

    /// <summary>Number of the instruction pointer.</summary>
    public int ProgramCounter => Is64 ? 16 : 8;

    /// <summary>Number of the stack pointer.</summary>
    public int StackPointer => Is64 ? 7 : 4;

    /// <summary>Number of the frame pointer.</summary>
    public int FramePointer => Is64 ? 6 : 5;

    /// <summary>Adds a register that is a number.</summary>
    public void AddNumber(string feature, string name, int size, string type, string? group, Func<Vcpu, ulong> get, Action<Vcpu, ulong> set) =>
        all.Add(new Register(feature, name, size, type, group, (cpu, bytes) => Put(bytes, get(cpu)), (cpu, bytes) => set(cpu, Take(bytes))));

    /// <summary>Writes the low bytes of a number.</summary>
    public static void Put(Span<byte> bytes, ulong value)
    {
        Span<byte> all = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(all, value);
        all[..bytes.Length].CopyTo(bytes);
    }

    /// <summary>A number from its bytes.</summary>
    public static ulong Take(ReadOnlySpan<byte> bytes)
    {
        Span<byte> all = stackalloc byte[sizeof(ulong)];
        all.Clear();
        bytes[..Math.Min(bytes.Length, all.Length)].CopyTo(all);
        return BinaryPrimitives.ReadUInt64LittleEndian(all);
    }

    void AddCore()
    {
        int word = Is64 ? 8 : 4;
        string[] names = Is64 ? Names64 : Names32;
        for (int i = 0; i < names.Length; i++)
        {
            int number = Is64 ? Numbers64[i] : i;
            string type = number is 4 or 5 ? "data_ptr" : Is64 ? "int64" : "int32";
            AddNumber(Core, names[i], word, type, null, cpu => cpu.Regs[number], (cpu, value) => cpu.Regs[number] = value);
        }
        AddNumber(Core, Is64 ? "rip" : "eip", word, "code_ptr", null, cpu => cpu.Regs.Rip, (cpu, value) => cpu.Regs.Rip = value);
        AddNumber(Core, "eflags", 4, "i386_eflags", null, cpu => cpu.Regs.Rflags, (cpu, value) => cpu.Regs.Rflags = value);
        foreach ((string name, int number) in SegmentNames)
        {
            AddNumber(Core, name, 4, "int32", null, cpu => cpu.Segments[number].Selector, (cpu, value) => WriteSegment(cpu, number, (ushort)value));
        }
    }

    void AddVectors()
    {
        int count = Is64 ? 16 : 8;
        for (int i = 0; i < count; i++)
        {
            int number = i;
            all.Add(new Register(Sse, $"xmm{i}", 16, "vec128", null, (cpu, bytes) => cpu.VectorRegister(number)[..16].CopyTo(bytes), (cpu, bytes) => bytes.CopyTo(cpu.VectorRegister(number))));
        }
        const uint Implemented = 0x2FFFF;
        AddNumber(Sse, "mxcsr", 4, "i386_mxcsr", "vector", cpu => cpu.Fpu.Mxcsr, (cpu, value) => cpu.Fpu.Mxcsr = (uint)value & Implemented);
        for (int i = 0; i < count; i++)
        {
            int number = i;
            all.Add(new Register(Avx, $"ymm{i}h", 16, "uint128", null, (cpu, bytes) => cpu.VectorRegister(number)[16..32].CopyTo(bytes), (cpu, bytes) => bytes.CopyTo(cpu.VectorRegister(number)[16..])));
        }
    }

    /// <summary>A selector alone moves the base in real mode; in other modes nothing is looked up.</summary>
    static void WriteSegment(Vcpu cpu, int number, ushort selector)
    {
        const ulong ProtectionEnable = 1;
        if ((cpu.SystemRegisters.Cr0 & ProtectionEnable) == 0)
        {
            cpu.Segments.SetReal(number, selector);
        }
        else
        {
            cpu.Segments[number] = cpu.Segments[number] with { Selector = selector };
        }
    }
}
