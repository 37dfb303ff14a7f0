using FastVcpu.Events;
using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>What <see cref="SetGuestDebug(GuestDebugFlags)"/> understands (KVM_CAP_SET_GUEST_DEBUG2).</summary>
    public static GuestDebugFlags SupportedGuestDebug => GuestDebugging.Supported;

    /// <summary>What waits to be delivered (KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS).</summary>
    /// <exception cref="ArgumentException">A vector that is no exception, an unknown shadow, or more than two NMIs.</exception>
    public VcpuEvents Events
    {
        get => StateChecked(Queue).Get();
        set => StateChecked(Queue).Set(value);
    }

    /// <summary>The guest's debug registers (KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS).</summary>
    /// <exception cref="ArgumentException">DR6 or DR7 has one of its upper 32 bits set.</exception>
    public DebugRegisters DebugRegisters
    {
        get
        {
            ulong* dr = &State->FirstDr;
            return new DebugRegisters(dr[0], dr[1], dr[2], dr[3], state->Dr6, state->Dr7);
        }
        set
        {
            if ((value.Dr6 | value.Dr7) > uint.MaxValue)
            {
                throw new ArgumentException($"DR6 {value.Dr6:x}h and DR7 {value.Dr7:x}h have 32 bits.", nameof(value));
            }
            ulong* dr = &State->FirstDr;
            (dr[0], dr[1], dr[2], dr[3], state->Dr6, state->Dr7) = (value.Dr0, value.Dr1, value.Dr2, value.Dr3, value.Dr6, value.Dr7);
            Debugging.Update();
        }
    }

    /// <summary>The run ends with <see cref="ExitReason.InterruptWindowOpen"/> as soon as an interrupt could be injected (<c>request_interrupt_window</c>).</summary>
    public bool RequestInterruptWindow
    {
        get => Queue.RequestsWindow;
        set => Queue.RequestsWindow = value;
    }

    /// <summary>An interrupt queued now is delivered at the beginning of the next run (<c>ready_for_interrupt_injection</c>).</summary>
    public bool IsReadyForInterruptInjection => StateChecked(Queue).IsReadyForInterrupt;

    /// <summary>RFLAGS.IF (<c>if_flag</c>).</summary>
    public bool InterruptFlag => (State->SystemFlags & SystemFlagBits.Interrupt) != 0;

    /// <summary>Task priority (<c>cr8</c>), 0 to 15.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Greater than 15.</exception>
    public ulong Cr8
    {
        get => State->Cr8;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 15UL);
            SetTaskPriority((uint)StateChecked(value));
        }
    }

    /// <summary>IA32_APIC_BASE (<c>apic_base</c>).</summary>
    /// <exception cref="ArgumentException">Bits or a mode that the vCPU does not have.</exception>
    public ulong ApicBase
    {
        get => State->ApicBase;
        set
        {
            CheckApicBase(StateChecked(value));
            SetApicBase(value);
        }
    }

    /// <summary>
    /// While true, each run ends with <see cref="ExitReason.Interrupted"/> before its first instruction, but after completing the access of the
    /// last exit (<c>immediate_exit</c>).
    /// </summary>
    public bool ImmediateExit { get; set; }

    /// <summary>Sets what a debugger asks for (KVM_SET_GUEST_DEBUG); replaces the setting of the last call.</summary>
    /// <param name="control">Flags; without <see cref="GuestDebugFlags.Enable"/> only the injections count.</param>
    /// <exception cref="ArgumentException">Unknown flags. Nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">An injection is asked for while an exception waits (EBUSY). Nothing has changed.</exception>
    public void SetGuestDebug(GuestDebugFlags control) => SetGuestDebug(control, DebugRegisters.Reset);

    /// <summary>Sets what a debugger asks for, with breakpoints.</summary>
    /// <param name="control">Flags; without <see cref="GuestDebugFlags.Enable"/> only the injections count.</param>
    /// <param name="breakpoints">DR0–DR3 and DR7 that are in force with <see cref="GuestDebugFlags.UseHardwareBreakpoints"/>.</param>
    /// <exception cref="ArgumentException">Unknown flags, reserved bits of DR7, or an address that is not canonical. Nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">An injection is asked for while an exception waits (EBUSY). Nothing has changed.</exception>
    public void SetGuestDebug(GuestDebugFlags control, DebugRegisters breakpoints)
    {
        CheckGuestDebug(control, breakpoints);
        if ((control & GuestDebugging.Injections) != 0)
        {
            if (StateChecked(Queue).HasException)
            {
                throw new InvalidOperationException("An exception waits to be delivered already.");
            }
            int vector = (control & GuestDebugFlags.InjectDebug) != 0 ? FaultCode.Debug : FaultCode.Breakpoint;
            Queue.SetException(new ExceptionEvent { IsPending = true, Vector = vector });
        }
        Debugging.Set(control, breakpoints);
    }

    /// <summary>
    /// Queues a maskable interrupt of the embedder's controller (KVM_INTERRUPT), which is delivered when IF, shadows and the debugger allow it. A second one before that
    /// replaces it.
    /// </summary>
    /// <param name="vector">0 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not a vector (EINVAL).</exception>
    /// <exception cref="InvalidOperationException">
    /// The controller is in the core (ENXIO), or only the local APICs are and one is queued already (EEXIST).
    /// </exception>
    public void Interrupt(int vector)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)vector, 255u, nameof(vector));
        if (Machine?.IrqChip is { } chip)
        {
            if (!chip.IsSplit)
            {
                throw new InvalidOperationException("The interrupt controllers are in the core.");
            }
            if (StateChecked(Queue).HasInterrupt)
            {
                throw new InvalidOperationException("An interrupt is queued already.");
            }
        }
        StateChecked(Queue).QueueInterrupt((byte)vector);
    }

    /// <summary>Queues a non-maskable interrupt (KVM_NMI). From any thread.</summary>
    public void Nmi() => StateChecked(Queue).QueueNmi();

    /// <summary>Queues a system-management interrupt (KVM_SMI). From any thread.</summary>
    public void Smi() => StateChecked(Queue).QueueSmi();

    void CheckGuestDebug(GuestDebugFlags control, DebugRegisters breakpoints)
    {
        if ((control & ~GuestDebugging.Supported) is var unknown and not 0)
        {
            throw new ArgumentException($"Guest debug flags {(uint)unknown:x}h are not supported.", nameof(control));
        }
        if ((control & GuestDebugFlags.UseHardwareBreakpoints) == 0)
        {
            return;
        }
        if ((breakpoints.Dr7 & Dr7.Reserved) is var reserved and not 0)
        {
            throw new ArgumentException($"DR7 has reserved bits {reserved:x}h set.", nameof(breakpoints));
        }
        for (int slot = 0; slot < 4; slot++)
        {
            if (!Memory.SlowPath.IsCanonical(State, breakpoints.Address(slot)))
            {
                throw new ArgumentException($"Breakpoint address {breakpoints.Address(slot):x}h is not canonical.", nameof(breakpoints));
            }
        }
    }

    /// <summary>For members that reach the state indirectly.</summary>
    T StateChecked<T>(T part)
    {
        _ = State;
        return part;
    }
}
