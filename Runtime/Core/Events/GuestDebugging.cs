using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Events;

/// <summary>
/// What a debugger has asked for, and the breakpoints in force: the debugger's or the guest's own. Nothing here is looked at while
/// instructions run: code breakpoints are ops of their own, watched pages are in no TLB.
/// </summary>
sealed unsafe class GuestDebugging
{
    public const GuestDebugFlags Supported = GuestDebugFlags.Enable | GuestDebugFlags.SingleStep | GuestDebugFlags.UseSoftwareBreakpoints
        | GuestDebugFlags.UseHardwareBreakpoints | Injections | GuestDebugFlags.BlockInterrupts;

    public const GuestDebugFlags Injections = GuestDebugFlags.InjectDebug | GuestDebugFlags.InjectBreakpoint;

    const int Slots = 4;

    readonly CpuState* s;
    readonly BlockCache blocks;
    readonly ulong[] addresses = new ulong[Slots];
    DebugRegisters requested = DebugRegisters.Reset;
    uint codeSlots, dataSlots, portSlots;

    public GuestDebugging(CpuState* state, BlockCache blocks)
    {
        s = state;
        this.blocks = blocks;
    }

    public GuestDebugFlags Control { get; private set; }

    public bool IsStepping { get; private set; }

    /// <summary>BLOCKIRQ.</summary>
    public bool BlocksInterrupts { get; private set; }

    public bool UsesHardwareBreakpoints => (Control & GuestDebugFlags.UseHardwareBreakpoints) != 0;

    /// <summary>Breakpoints are in force, so that shadows and RF matter to each instruction.</summary>
    public bool IsArmed => (codeSlots | dataSlots | portSlots) != 0;

    public bool HasCodeBreakpoints => codeSlots != 0;

    /// <summary>DR7 in force.</summary>
    public ulong Dr7 => UsesHardwareBreakpoints ? requested.Dr7 | Events.Dr7.Fixed : s->Dr7;

    /// <summary>Replaces the setting; the injections are not part of it.</summary>
    public void Set(GuestDebugFlags control, DebugRegisters registers)
    {
        control = (control & GuestDebugFlags.Enable) != 0 ? control & ~Injections : GuestDebugFlags.None;
        Control = control;
        requested = registers;
        IsStepping = (control & GuestDebugFlags.SingleStep) != 0;
        BlocksInterrupts = (control & GuestDebugFlags.BlockInterrupts) != 0;
        s->TakesBreakpoints = (control & GuestDebugFlags.UseSoftwareBreakpoints) != 0 ? 1 : 0;
        Update();
    }

    /// <summary>Finds out which breakpoints are in force, after a change of the setting, of a debug register or of CR4.DE.</summary>
    public void Update()
    {
        DebugRegisters registers = UsesHardwareBreakpoints ? requested : GuestRegisters;
        uint code = 0, data = 0, port = 0;
        for (int slot = 0; slot < Slots; slot++)
        {
            if (!Events.Dr7.IsEnabled(registers.Dr7, slot))
            {
                continue;
            }
            uint bit = 1u << slot;
            uint length = Events.Dr7.Length(registers.Dr7, slot);
            switch (Events.Dr7.Type(registers.Dr7, slot))
            {
                case BreakpointType.Execute:
                    code |= length == 1 ? bit : 0;
                    break;
                case BreakpointType.Io:
                    port |= (s->Cr4 & Cr4.DebuggingExtensions) != 0 ? bit : 0;
                    break;
                default:
                    data |= bit;
                    break;
            }
        }
        uint oldCode = codeSlots, oldData = dataSlots;
        DebugRegisters old = new(addresses[0], addresses[1], addresses[2], addresses[3], 0, 0);
        for (int slot = 0; slot < Slots; slot++)
        {
            addresses[slot] = registers.Address(slot);
        }
        (codeSlots, dataSlots, portSlots) = (code, data, port);
        ChangeCode(oldCode, old);
        ChangeData(oldData | data, registers.Dr7);
    }

    /// <summary>True when an instruction at this place of a page may have a breakpoint, whatever linear address the page has.</summary>
    public bool MayBreakAt(int pageOffset)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            if ((codeSlots >> slot & 1) != 0 && (int)(addresses[slot] & ~Tlb.PageMask) == pageOffset)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The code breakpoints at a linear address, as bits of DR6.</summary>
    public uint MatchCode(ulong linear)
    {
        uint hits = 0;
        for (int slot = 0; slot < Slots; slot++)
        {
            hits |= addresses[slot] == linear ? codeSlots & 1u << slot : 0;
        }
        return hits;
    }

    /// <summary>The watchpoints that an access touches, as bits of DR6.</summary>
    public uint MatchData(ulong linear, uint size, bool isWrite)
    {
        ulong dr7 = Dr7;
        uint hits = 0;
        for (int slot = 0; slot < Slots; slot++)
        {
            if ((dataSlots >> slot & 1) == 0 || (!isWrite && Events.Dr7.Type(dr7, slot) == BreakpointType.Write))
            {
                continue;
            }
            uint length = Events.Dr7.Length(dr7, slot);
            ulong start = addresses[slot] & ~(ulong)(length - 1);
            hits |= linear - start < length || start - linear < size ? 1u << slot : 0;
        }
        return hits;
    }

    /// <summary>The I/O breakpoints that a port access touches, as bits of DR6.</summary>
    public uint MatchPort(int port, int size)
    {
        ulong dr7 = Dr7;
        uint hits = 0;
        for (int slot = 0; slot < Slots && portSlots != 0; slot++)
        {
            uint length = Events.Dr7.Length(dr7, slot);
            uint start = (uint)addresses[slot] & ~(length - 1);
            bool touches = (uint)port - start < length || start - (uint)port < (uint)size;
            hits |= touches ? portSlots & 1u << slot : 0;
        }
        return hits;
    }

    /// <summary>True when accesses to a page have to be looked at, so that no TLB may hold it.</summary>
    public bool WatchesPage(ulong linear, AccessKind kind)
    {
        ulong page = linear & Tlb.PageMask;
        return MatchData(page, (uint)MemoryBlock.PageSize, kind == AccessKind.Write) != 0;
    }

    DebugRegisters GuestRegisters => new((&s->FirstDr)[0], (&s->FirstDr)[1], (&s->FirstDr)[2], (&s->FirstDr)[3], s->Dr6, s->Dr7);

    /// <summary>Blocks that hold an instruction where a breakpoint was or is are decoded again.</summary>
    void ChangeCode(uint oldSlots, DebugRegisters old)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            bool was = (oldSlots >> slot & 1) != 0, isNow = (codeSlots >> slot & 1) != 0;
            if (was == isNow && (!isNow || old.Address(slot) == addresses[slot]))
            {
                continue;
            }
            if (was)
            {
                blocks.DropAt((int)(old.Address(slot) & ~Tlb.PageMask));
            }
            if (isNow)
            {
                blocks.DropAt((int)(addresses[slot] & ~Tlb.PageMask));
            }
        }
    }

    void ChangeData(uint changed, ulong dr7)
    {
        if (changed == 0)
        {
            return;
        }
        int kinds = 0;
        for (int slot = 0; slot < Slots; slot++)
        {
            if ((dataSlots >> slot & 1) != 0)
            {
                kinds |= 1 << (int)AccessKind.Write | (Events.Dr7.Type(dr7, slot) == BreakpointType.ReadWrite ? 1 << (int)AccessKind.Read : 0);
            }
        }
        s->WatchedKinds = kinds;
        Tlb.Clear(s);
    }
}
