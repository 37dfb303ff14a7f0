using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.Privileged.Registers;
using FastVcpu.Semantics;
using FastVcpu.State;

namespace FastVcpu;

/// <remarks>The state as data for files and hashes: what the guest can find out, in a form that does not depend on how it came about. <see cref="SaveState"/> is the fast way within a process.</remarks>
public sealed unsafe partial class Vcpu : IStateful
{
    const int GeneralRegisterCount = 16, SegmentRegisterCount = 8, FpuRegisterBytes = 8 * 16, VectorRegisterBytes = 32 * CpuState.VectorSize, OpmaskBytes = 64;
    const int DirectoryPointerCount = 4, MsrCount = (CpuState.FixedMtrrOffset - CpuState.MsrOffset) / sizeof(ulong);

    /// <inheritdoc/>
    void IStateful.Transfer(StateTransfer state)
    {
        ArgumentNullException.ThrowIfNull(state);
        CpuState* s = State;
        TransferRegisters(state, s);
        TransferSystemRegisters(state, s);
        Queue.Transfer(state);
        TransferActivity(state);
        TransferAccess(state, s);
        if (isUserMode)
        {
            descriptors = [.. descriptors];
            state.Values(descriptors.AsSpan());
        }
        if (Apic != null)
        {
            state.Part(Apic);
        }
        if (state.IsRestoring)
        {
            FinishRestoring();
        }
    }

    static void TransferRegisters(StateTransfer state, CpuState* s)
    {
        state.Values(new Span<ulong>(&s->Rax, GeneralRegisterCount));
        state.Value(ref s->Rip);
        uint flags = state.Value(s->Flags.ToEflags());
        s->Flags = state.IsRestoring ? Flags.FromEflags(flags) : s->Flags;
        s->SystemFlags = state.Value(s->SystemFlags) & SystemFlagBits.Settable | 2;
        for (int i = 0; i < SegmentRegisterCount; i++)
        {
            SegmentCache* segment = &s->Es + i;
            SegmentRegister saved = Get(segment);
            (ulong address, uint limit) = (state.Value(saved.Base), state.Value(saved.Limit));
            (ushort selector, ushort attributes) = (state.Value(saved.Selector), state.Value(saved.Attributes));
            if (state.IsRestoring)
            {
                Segmentation.Set(segment, selector, address, limit, attributes);
            }
        }
        state.Value(ref s->FpuControl);
        state.Value(ref s->FpuStatus);
        state.Value(ref s->FpuTag);
        state.Value(ref s->FpuOpcode);
        state.Value(ref s->Mxcsr);
        state.Value(ref s->FpuInstructionPointer);
        state.Value(ref s->FpuDataPointer);
        state.Value(ref s->FpuCs);
        state.Value(ref s->FpuDs);
        state.Bytes(new Span<byte>(&s->FirstFpr, FpuRegisterBytes));
        state.Bytes(new Span<byte>(&s->FirstVector, VectorRegisterBytes));
        state.Bytes(new Span<byte>((byte*)s + CpuState.OpmaskOffset, OpmaskBytes));
        state.Require((s->Mxcsr & ~Mxcsr.Writable) == 0);
    }

    void TransferSystemRegisters(StateTransfer state, CpuState* s)
    {
        (ulong, ulong, ulong, ulong) userMode = (s->Cr0, s->Cr4, s->Efer, s->Xcr0);
        state.Value(ref s->GdtBase);
        state.Value(ref s->GdtLimit, 0u, ushort.MaxValue);
        state.Value(ref s->IdtBase);
        state.Value(ref s->IdtLimit, 0u, ushort.MaxValue);
        state.Value(ref s->Cr0);
        state.Value(ref s->Cr2);
        state.Value(ref s->Cr3);
        state.Value(ref s->Cr4);
        state.Value(ref s->Cr8, 0UL, 15UL);
        state.Value(ref s->Efer);
        state.Value(ref s->Xcr0);
        state.Value(ref s->Cpl, 0, 3);
        state.Values(new Span<ulong>(&s->FirstDr, 8));
        state.Values(new Span<ulong>(&s->FirstDirectoryPointer, DirectoryPointerCount));
        state.Values(new Span<ulong>(&s->SysenterCs, MsrCount));
        state.Values(new Span<ulong>(&s->FirstFixedMtrr, CpuState.FixedMtrrs));
        state.Values(new Span<ulong>(&s->FirstVariableMtrr, CpuState.VariableMtrrs * 2));
        state.Value(ref s->RandomState);
        state.Require((s->Dr6 | s->Dr7) <= uint.MaxValue);
        // A guest in user mode cannot change its control registers, which are no system's.
        state.Require(isUserMode
            ? s->Cpl == 3 && userMode == (s->Cr0, s->Cr4, s->Efer, s->Xcr0)
            : SystemState.IsConsistent(Model, s->Cr0, s->Cr4, s->Efer) && (s->Xcr0 == 0 || ControlRegisters.IsExtendedControl(Model, s->Xcr0)) && IsApicBase(s->ApicBase));
    }

    /// <summary>What it does between instructions.</summary>
    void TransferActivity(StateTransfer state)
    {
        int activity = (int)mpState;
        state.Value(ref activity, (int)MpState.Runnable, (int)MpState.Halted);
        state.Require(Apic != null || activity == (int)MpState.Runnable);
        mpState = (MpState)activity;
        state.Value(ref waitsForMasked);
        state.Value(ref endedVector, -1, byte.MaxValue);
        state.Value(ref deliveries, 0, FreeDeliveries + 1);
        this.state->FpuIgnoresError = state.Value(IgnoreNumericError) ? (byte)1 : (byte)0;
        state.Value(ref this.state->PendingDebug);
    }

    /// <summary>An access that has left for a device or the embedder and whose instruction has not been completed.</summary>
    void TransferAccess(StateTransfer state, CpuState* s)
    {
        if (!state.Value(accessIsPending || accessIsServed || Mmio.IsPending || Mmio.InProgress))
        {
            if (state.IsRestoring)
            {
                (accessIsPending, accessIsServed, ioHits) = (false, false, 0);
                Mmio.Forget();
            }
            return;
        }
        state.Value(ref accessIsPending);
        state.Value(ref accessIsServed);
        state.Value(ref ioHits);
        state.Value(ref s->ExitData);
        state.Value(ref s->ExitPort, 0, ushort.MaxValue);
        state.Value(ref s->ExitKind, IoExit.In, IoExit.OutString);
        state.Value(ref s->ExitSize, 0, sizeof(uint));
        bool isString = IoExit.IsString(s->ExitKind);
        state.Value(ref s->ExitCount, 0, isString ? IoExit.MaxStringBytes / Math.Max(1, s->ExitSize) : 1);
        if (isString)
        {
            state.Bytes(BeginPortString()[..(s->ExitSize * s->ExitCount)]);
        }
        Mmio.Transfer(state);
    }

    /// <summary>Brings what follows from the state up to date. Requests of before are forgotten.</summary>
    void FinishRestoring()
    {
        CpuState* s = state;
        (s->Fault, s->FaultErrorCode, s->ExitDataReady) = (0, 0, 0);
        s->LinkSource = null;
        owesStep = false;
        ForgetSystemEvent();
        ControlRegisters.UpdateLinearWidth(s);
        Debugging.Update();
        Flush(PendingBits.FlushTranslations);
        hasNewState = !isUserMode;
        UpdateMode();
        Interlocked.Or(ref s->Pending, PendingBits.Event);
    }

    /// <summary>A device asked for the end of the machine before it was restored.</summary>
    void ForgetSystemEvent()
    {
        if (Interlocked.Exchange(ref systemEvent, null) != null)
        {
            Interlocked.And(ref state->Pending, ~PendingBits.Exit);
        }
    }
}
