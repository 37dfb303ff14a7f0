using FastVcpu.Bench.Debugging;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Micro;

/// <summary>All single mechanisms that are measured, by name.</summary>
static class MicroCases
{
    const int PageSize = 4096, MiB = 1 << 20;

    /// <summary>Pages that no TLB holds at once.</summary>
    const int ManyPages = 4096;

    static readonly Func<MicroCase>[] Makers =
    [
        () => new DecoderCase(),
        () => new ColdCodeCase(),
        .. Computing(), .. Memory(), .. Strings(), .. Branches(), .. OwnCode(),
        () => new EventCase(DebugSetting.Off),
        () => new EventCase(DebugSetting.BlockInterrupts),
        () => new EventCase(DebugSetting.Breakpoint),
        .. ExitLoop.Kinds.Select(kind => (Func<MicroCase>)(() => new ExitCase(kind.Name))),
        () => new LimitCase(),
    ];

    static readonly Dictionary<string, Func<MicroCase>> ByName = Makers.ToDictionary(make =>
    {
        using MicroCase made = make();
        return made.Name;
    });

    public static IEnumerable<string> Names => ByName.Keys;

    /// <exception cref="ArgumentException">There is no such case.</exception>
    public static MicroCase Make(string name) => ByName.TryGetValue(name, out Func<MicroCase>? make)
        ? make()
        : throw new ArgumentException($"{name} is not a case; there are {string.Join("; ", Names)}.");

    static Func<MicroCase>[] Computing() =>
    [
        () => LoopCase.Of("dispatch", "ADD of two registers", c => c.add(rax, rbx)),
        () => LoopCase.Of("flags, all", "ADD, PUSHFQ, POP: every flag is needed", c =>
        {
            c.add(rax, rbx);
            c.pushfq();
            c.pop(rdx);
        }),
        () => LoopCase.Of("flags, condition", "CMP and SETL", c =>
        {
            c.cmp(rax, rbx);
            c.setl(dl);
        }),
        () => LoopCase.Of("flags, carry", "ADD and ADC", c =>
        {
            c.add(rax, rbx);
            c.adc(rdx, rdi);
        }),
    ];

    static Func<MicroCase>[] Memory() =>
    [
        () => LoopCase.Of("TLB hit, load", "load of one address", c => c.mov(rax, __qword_ptr[rsi])),
        () => LoopCase.Of("TLB hit, store", "store to one address", c => c.mov(__qword_ptr[rsi], rax)),
        () => LoopCase.Of(
            "TLB miss, load", "load a page further, and three instructions that compute the address", c => Further(c, isStore: false), dataSize: ManyPages * PageSize),
        () => LoopCase.Of(
            "TLB miss, store", "store a page further, and three instructions that compute the address", c => Further(c, isStore: true), dataSize: ManyPages * PageSize),
        () => LoopCase.Of("page crossing", "load of eight bytes in two pages", c => c.mov(rax, __qword_ptr[rsi + PageSize - 4])),
        Streams(1 * MiB), Streams(4 * MiB), Streams(16 * MiB), Streams(1 * MiB + 5 * PageSize + 64),
    ];

    static void Further(Assembler c, bool isStore)
    {
        if (isStore)
        {
            c.mov(__qword_ptr[rsi], rax);
        }
        else
        {
            c.mov(rax, __qword_ptr[rsi]);
        }
        c.add(rsi, PageSize + 64);
        c.and(rsi, ManyPages * PageSize - 1);
        c.or(rsi, (int)LoopCase.Data);
    }

    /// <summary>A word copied over a distance.</summary>
    static Func<MicroCase> Streams(int distance) => () => LoopCase.Of(
        $"streams {(distance % MiB == 0 ? $"{distance / MiB} MiB" : "other")}", "load and store that distance apart, and one ADD", c =>
        {
            c.mov(rax, __qword_ptr[rsi]);
            c.mov(__qword_ptr[rsi + distance], rax);
            c.add(rsi, 8);
        },
        dataSize: 18 * MiB);

    static Func<MicroCase>[] Strings()
    {
        const int Small = 16, Large = 256 << 10;
        return
        [
            () => LoopCase.Of("REP MOVSB 16", "16 bytes, and three instructions that set it up", c => Rep(c, Small, c => c.rep.movsb())),
            () => LoopCase.Of("REP STOSB 16", "16 bytes, and three instructions that set it up", c => Rep(c, Small, c => c.rep.stosb())),
            () => new LoopCase("REP MOVSB large", "16 bytes of blocks of 256 KiB", c =>
                LoopCase.Loop(c, 1, MicroCase.Operations * Small / Large, c => Rep(c, Large, c => c.rep.movsb()))),
            () => new LoopCase("REP STOSB large", "16 bytes of blocks of 256 KiB", c =>
                LoopCase.Loop(c, 1, MicroCase.Operations * Small / Large, c => Rep(c, Large, c => c.rep.stosb()))),
            () => new LoopCase("REPE CMPSB large", "16 bytes of blocks of 256 KiB", c =>
                LoopCase.Loop(c, 1, MicroCase.Operations * Small / Large, c => Rep(c, Large, c => c.repe.cmpsb()))),
            () => new LoopCase("REPNE SCASB large", "16 bytes of blocks of 256 KiB", c =>
                LoopCase.Loop(c, 1, MicroCase.Operations * Small / Large, c => Rep(c, Large, c => c.repne.scasb()), c => c.mov(al, 1))),
        ];
    }

    static void Rep(Assembler c, int length, Action<Assembler> instruction)
    {
        c.mov(esi, (int)LoopCase.Data);
        c.mov(edi, (int)LoopCase.Data + MiB / 2);
        c.mov(ecx, length);
        instruction(c);
    }

    static Func<MicroCase>[] Branches() =>
    [
        () => LoopCase.Of("branch, taken", "TEST and a taken conditional jump", c => Jump(c, isTaken: true)),
        () => LoopCase.Of("branch, not taken", "TEST and a conditional jump that is not taken", c => Jump(c, isTaken: false)),
        () =>
        {
            Label routine = default;
            return LoopCase.Of("call and return", "CALL and RET", c => c.call(routine), c =>
            {
                Label behind = c.CreateLabel();
                routine = c.CreateLabel();
                c.jmp(behind);
                c.Label(ref routine);
                c.ret();
                c.Label(ref behind);
                c.nop();
            });
        },
        () => LoopCase.Of("indirect, one target", "LEA and JMP of a register", c =>
        {
            Label next = c.CreateLabel();
            c.lea(rax, __[next]);
            c.jmp(rax);
            c.Label(ref next);
            c.nop();
        }),
        () => new LoopCase("indirect, 16 targets", "JMP through a table to one of 16 in no order, and eight instructions around it", Bytecode),
    ];

    static void Jump(Assembler c, bool isTaken)
    {
        Label next = c.CreateLabel();
        c.test(r15d, r15d);
        if (isTaken)
        {
            c.jne(next);
        }
        else
        {
            c.je(next);
        }
        c.nop();
        c.Label(ref next);
        c.nop();
    }

    /// <summary>An interpreter of sixteen opcodes in no order that a predictor could learn.</summary>
    static void Bytecode(Assembler c)
    {
        const int Targets = 16, Table = MiB / 2, Multiplier = 1664525, Increment = 1013904223;
        Label[] routines = [.. Enumerable.Range(0, Targets).Select(_ => c.CreateLabel())];
        Label end = c.CreateLabel(), next = c.CreateLabel();
        c.lea(rbx, __[rsi + Table]);
        for (int i = 0; i < Targets; i++)
        {
            c.lea(rax, __[routines[i]]);
            c.mov(__qword_ptr[rbx + 8 * i], rax);
        }
        c.mov(r15d, MicroCase.Operations);
        c.mov(ecx, 1);
        c.jmp(next);
        for (int i = 0; i < Targets; i++)
        {
            c.Label(ref routines[i]);
            c.inc(rdx);
            c.jmp(next);
        }
        c.Label(ref next);
        c.imul(ecx, ecx, Multiplier);
        c.add(ecx, Increment);
        c.mov(eax, ecx);
        c.shr(eax, 28);
        c.dec(r15d);
        c.je(end);
        c.jmp(__qword_ptr[rbx + rax * 8]);
        c.Label(ref end);
        c.nop();
    }

    static Func<MicroCase>[] OwnCode() =>
    [
        () => LoopCase.Of("self-modifying", "INC of the next instruction's immediate, that instruction, LEA and JMP: a block of four", c =>
        {
            Label next = c.CreateLabel(), behind = c.CreateLabel();
            c.lea(rbx, __[next]);
            c.inc(__dword_ptr[rbx + 1]);
            c.Label(ref next);
            c.mov(eax, 0);
            c.jmp(behind);
            c.Label(ref behind);
            c.nop();
        }),
        () => LoopCase.Of("data beside code", "store to a page that has code, away from it", c => c.mov(__qword_ptr[rbx], rax), c =>
        {
            Label here = c.CreateLabel();
            c.Label(ref here);
            c.lea(rbx, __[here]);
            c.add(rbx, PageSize / 2);
        }),
        () => new RewriteCase(),
    ];
}
