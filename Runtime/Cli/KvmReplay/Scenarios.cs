using Iced.Intel;
using static FastVcpu.Cli.KvmReplay.ReplayMachine;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Cli.KvmReplay;

/// <summary>
/// The debug scenarios. "host" in a reason: what KVM does where it runs the guest in its instruction emulator, which hardware does not. (A triple fault is
/// not among them: that emulator then never returns.)
/// </summary>
static class Scenarios
{
    const string Emulated = "host: KVM's instruction emulator";

    static DebugRegisters Breakpoint(ulong address, BreakpointType type = BreakpointType.Execute, int length = 1) => DebugRegisters.Reset.With(0, address, type, length);

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("A2", "the capability query", m => m.Note("mask", $"{m.Capability:x}")),
        new("A4", "DR6 and DR7 after reset", m => m.Note("DR6, DR7", $"{m.GuestBreakpoints.Dr6:x} {m.GuestBreakpoints.Dr7:x}")),
        new("B1", "INJECT_DB is delivered first", m =>
        {
            m.Begin(a => a.nop());
            m.SetHandler(1, 0xF4);
            m.Note("inject", m.Debug(InjectDebug));
            m.Note("again", m.Debug(InjectDebug));
            m.NoteRun();
            m.Note("return address", m.Word(m.Registers.Rsp));
            m.Note("DR6", $"{m.GuestBreakpoints.Dr6:x}");
        }),
        new("B1", "with both bits #DB is injected", m =>
        {
            m.Begin(a => a.nop());
            m.SetHandler(1, 0xF4);
            m.SetHandler(3, 0xF4);
            m.Note("inject", m.Debug(InjectDebug | InjectBreakpoint));
            m.NoteRun();
        }),
        new("B1", "SET_REGS cancels the injection", m =>
        {
            m.Begin(a => a.nop());
            m.SetHandler(1, 0xF4);
            m.Debug(InjectDebug);
            m.Registers = m.Registers with { Rax = 1 };
            m.NoteRun();
        }),
        new("B2", "SINGLESTEP without ENABLE", m =>
        {
            m.Begin(a => a.nop());
            m.Note("set", m.Debug(SingleStep));
            m.NoteRun();
        }),
        new("B3", "the guest sees its own debug registers", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.GuestBreakpoints = m.GuestBreakpoints with { Dr0 = 0x1234 };
            m.Debug(Enable | UseHardware, Breakpoint(Start + 1));
            m.NoteRun();
            m.Note("DR0, DR7", $"{m.GuestBreakpoints.Dr0:x} {m.GuestBreakpoints.Dr7:x}");
        }),
        new("B4", "clearing SINGLESTEP leaves no trace", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); a.nop(); });
            m.NoteStep();
            m.Debug(0);
            m.NoteRun();
        }),
        new("B5", "unknown bits", m => m.Note("set", m.Debug(0x200001), "ours")),
        new("C1", "steps over plain instructions", m =>
        {
            m.Begin(a => { a.inc(ax); a.jmp(Start + 4); a.nop(); a.nop(); a.nop(); });
            m.NoteStep();
            m.NoteStep();
            m.Note("DR6", $"{m.GuestBreakpoints.Dr6:x}");
        }),
        new("C2", "PUSHF under a step", m =>
        {
            m.Begin(a => { a.pushf(); a.pop(ax); });
            m.NoteStep();
            m.NoteStep();
            m.Note("AX", $"{m.Registers.Rax:x}", "ours");
        }),
        new("C2", "a step after RIP has been set, not armed again", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); a.nop(); a.nop(); });
            m.NoteStep();
            m.Registers = m.Registers with { Rip = Start + 2 };
            m.NoteRun(reason: "ours");
        }),
        new("C3", "the guest's own TF is kept", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.SetHandler(1, 0xF4);
            m.Registers = m.Registers with { Rflags = Trap | 2 };
            m.NoteStep(reason: "ours");
            m.Debug(0);
            m.Note("flags", $"{m.Registers.Rflags:x}", "ours");
        }),
        new("C4", "STI is one step, with its shadow", m =>
        {
            m.Begin(a => { a.sti(); a.nop(); });
            m.NoteStep();
            m.Note("events", m.Events);
            m.NoteStep();
            m.Note("events", m.Events);
        }),
        new("C4", "MOV SS is one step", m =>
        {
            m.Begin(a => { a.mov(ss, ax); a.nop(); a.nop(); });
            m.NoteStep(reason: "ours");
            m.NoteStep(reason: "ours");
        }),
        new("C5", "INT n, a fault, and the return", m =>
        {
            m.Begin(a => { a.@int(0x21); a.ud2(); });
            m.NoteStep(reason: "ours");
            m.NoteStep(reason: "ours");
            m.NoteStep(reason: "ours");
            m.Note("return address, flags", $"{m.Word(Stack - 6):x} {m.Word(Stack - 2):x}", "ours");
        }),
        new("C6", "REP MOVSB, an element a step", m =>
        {
            m.Begin(a => a.rep.movsb());
            m.Registers = m.Registers with { Rcx = 3, Rsi = Data, Rdi = Data + 16 };
            for (int i = 0; i < 3; i++)
            {
                m.NoteStep(reason: Emulated);
                m.Note("CX", m.Registers.Rcx, Emulated);
            }
        }),
        new("C7", "IN: the exit, then the step", m =>
        {
            m.Begin(a => { a.@in(al, 0x10); a.nop(); });
            m.NoteStep();
            m.Answer(0x5A);
            m.NoteRun();
            m.Note("AL", $"{m.Registers.Rax:x}");
        }),
        new("C7", "OUT: the exit, then the step", m =>
        {
            m.Begin(a => { a.@out(0x10, al); a.nop(); a.nop(); });
            m.NoteStep(reason: Emulated);
            m.NoteRun(reason: Emulated);
        }),
        new("C7", "an MMIO read: the exit, then the step", m =>
        {
            m.Begin(a => { a.mov(ds, bx); a.mov(al, __byte_ptr[0]); a.nop(); });
            m.Registers = m.Registers with { Rbx = RamSize >> 4 };
            m.NoteStep();
            m.NoteStep();
            m.Answer(0x5A);
            m.NoteRun();
            m.Note("AL", $"{m.Registers.Rax:x}");
        }),
        new("C7", "an MMIO write: the exit, then the step", m =>
        {
            m.Begin(a => { a.mov(ds, bx); a.mov(__byte_ptr[0], al); a.nop(); a.nop(); });
            m.Registers = m.Registers with { Rbx = RamSize >> 4 };
            m.NoteStep();
            m.NoteStep(reason: "ours");
            m.NoteRun(reason: "ours");
        }),
        new("C7", "HLT, then the next step", m =>
        {
            m.Begin(a => { a.hlt(); a.nop(); a.nop(); });
            m.NoteStep(reason: Emulated);
            m.NoteStep(reason: Emulated);
        }),
        new("C8", "a step onto a code breakpoint", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.NoteStep(flags: UseHardware, breakpoints: Breakpoint(Start + 1), reason: "C8, E1: both bits in one exit, or BS first");
            m.NoteRun("next run");
        }),
        new("D1", "INT3 with USE_SW_BP", m =>
        {
            m.Begin(a => { a.nop(); a.int3(); });
            m.Debug(Enable | UseSoftware);
            m.NoteRun(reason: Emulated);
        }),
        new("D1", "INT3 without USE_SW_BP", m =>
        {
            m.Begin(a => { a.nop(); a.int3(); });
            m.SetHandler(3, 0xF4);
            m.NoteRun();
            m.Note("return address", $"{m.Word(m.Registers.Rsp):x}");
        }),
        new("D1", "CD 03 is no breakpoint", m =>
        {
            m.Begin(a => a.db(0xCD, 0x03));
            m.SetHandler(3, 0xF4);
            m.Debug(Enable | UseSoftware);
            m.NoteRun();
        }),
        new("E1", "a code breakpoint at the first instruction, and again", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.Debug(Enable | UseHardware, Breakpoint(Start));
            m.NoteRun();
            m.NoteRun();
        }),
        new("E1", "with RF the instruction runs", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.Debug(Enable | UseHardware, Breakpoint(Start));
            m.Registers = m.Registers with { Rflags = Resume | 2 };
            m.NoteRun(reason: Emulated);
        }),
        new("E2", "a write watchpoint", m =>
        {
            m.Begin(a => { a.mov(__byte_ptr[bx], al); a.nop(); a.nop(); });
            m.Registers = m.Registers with { Rbx = Data };
            m.Debug(Enable | UseHardware, Breakpoint(Data, BreakpointType.Write));
            m.NoteRun(reason: Emulated);
        }),
        new("E2", "a read of a write watchpoint", m =>
        {
            m.Begin(a => { a.mov(al, __byte_ptr[bx]); a.nop(); });
            m.Registers = m.Registers with { Rbx = Data };
            m.Debug(Enable | UseHardware, Breakpoint(Data, BreakpointType.Write));
            m.NoteRun();
        }),
        new("E4", "GD in the request", m =>
        {
            m.Begin(a => { a.mov(ebx, dr0); a.nop(); });
            m.Debug(Enable | UseHardware, DebugRegisters.Reset with { Dr7 = 0x2400 });
            m.NoteRun(reason: Emulated);
        }),
        new("E4", "GD of the guest", m =>
        {
            m.Begin(a => { a.mov(ebx, dr0); a.nop(); });
            m.SetHandler(1, 0xF4);
            m.GuestBreakpoints = m.GuestBreakpoints with { Dr7 = 0x2400 };
            m.NoteRun();
            m.Note("DR6, DR7", $"{m.GuestBreakpoints.Dr6:x} {m.GuestBreakpoints.Dr7:x}");
        }),
        new("E5", "the guest's own code breakpoint", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.SetHandler(1, 0xF4);
            m.GuestBreakpoints = DebugRegisters.Reset.With(1, Start + 1, BreakpointType.Execute);
            m.NoteRun();
            m.Note("return address, DR6", $"{m.Word(m.Registers.Rsp):x} {m.GuestBreakpoints.Dr6:x}");
        }),
        new("F2", "BLOCKIRQ holds an NMI, not INT n", m =>
        {
            m.Begin(a => { a.nop(); a.@int(0x21); });
            m.Nmi();
            m.NoteStep(flags: BlockInterrupts);
            m.Note("events", m.Events);
            m.NoteStep(flags: BlockInterrupts, reason: "ours");
            m.Note("events", m.Events);
        }),
        new("F3", "what is held arrives when the flag goes", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); a.nop(); });
            m.SetHandler(2, 0xF4);
            m.Nmi();
            m.NoteStep(flags: BlockInterrupts);
            m.Debug(Enable);
            m.NoteRun();
            m.Note("return address", $"{m.Word(m.Registers.Rsp):x}");
        }),
        new("F4", "an interrupt queued by the embedder", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.Registers = m.Registers with { Rflags = InterruptFlag | 2 };
            m.Note("queue", m.Interrupt(0x40));
            m.NoteStep(flags: BlockInterrupts, reason: "ours");
        }),
        new("F5", "a requested window while interrupts are held", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.Registers = m.Registers with { Rflags = InterruptFlag | 2 };
            m.RequestWindow = true;
            m.NoteStep(flags: BlockInterrupts, reason: "ours");
            m.Note("ready", m.IsReady, "ours");
        }),
        new("F6", "HLT with a held NMI", m =>
        {
            m.Begin(a => { a.hlt(); a.nop(); a.hlt(); });
            m.Nmi();
            m.Debug(Enable | BlockInterrupts);
            m.NoteRun();
            m.NoteRun("run again");
        }),
        new("G1", "vectors", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.SetHandler(0x41, 0xF4);
            m.Registers = m.Registers with { Rflags = InterruptFlag | 2 };
            m.Note("256", m.Interrupt(256));
            m.Note("40h", m.Interrupt(0x40));
            m.Note("41h", m.Interrupt(0x41));
            m.NoteRun();
        }),
        new("G2", "three NMIs", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); });
            m.SetHandler(2, 0x40, 0xCF);
            m.Nmi();
            m.Nmi();
            m.Nmi();
            m.NoteRun();
            m.Note("AX", m.Registers.Rax, Emulated);
        }),
        new("G2", "an NMI in the shadow of MOV SS", m =>
        {
            m.Begin(a => { a.nop(); a.nop(); a.nop(); });
            m.SetHandler(2, 0xF4);
            m.SetShadow(1);
            m.Nmi();
            m.NoteRun(reason: Emulated);
            m.Note("return address", $"{m.Word(m.Registers.Rsp):x}", Emulated);
        }),
        new("G6", "immediate_exit completes an IN first", m =>
        {
            m.Begin(a => { a.@in(al, 0x10); a.nop(); });
            m.NoteRun();
            m.Answer(0x77);
            m.ImmediateExit = true;
            m.NoteRun();
            m.Note("AL", $"{m.Registers.Rax:x}");
            m.ImmediateExit = false;
        }),
        new("G7", "a requested window behind STI", m =>
        {
            m.Begin(a => { a.sti(); a.nop(); a.nop(); a.@in(al, 0x10); });
            m.RequestWindow = true;
            m.NoteRun(reason: Emulated);
            m.RequestWindow = false;
        }),
        new("G13", "RIP changed while an IN is unfinished", m =>
        {
            m.Begin(a => { a.@in(al, 0x10); a.nop(); a.nop(); a.nop(); });
            m.NoteRun();
            m.Answer(0x77);
            m.Registers = m.Registers with { Rip = Start + 3 };
            m.NoteRun();
            m.Note("AL", $"{m.Registers.Rax:x}");
        }),
        new("H3", "IRET", m =>
        {
            m.Begin(a => { a.push((short)2); a.push((short)0); a.push((short)(Start + 16)); a.iret(); });
            for (int i = 0; i < 4; i++)
            {
                m.NoteStep();
            }
        }),
    ];
}
