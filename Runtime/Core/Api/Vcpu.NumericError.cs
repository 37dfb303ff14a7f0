using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu;

/// <remarks>
/// x87 errors in the way of the PC/AT (SDM Vol. 1 appendix D): with CR0.NE = 0 the processor does not raise #MF but reports by a pin, which the board leads to
/// IRQ 13, and waits.
/// </remarks>
public sealed unsafe partial class Vcpu
{
    /// <summary>
    /// The pin FERR#: an unmasked x87 error is pending, and CR0.NE is 0 (or the model is an 8086, whose coprocessor has such a pin too). It stays until the
    /// guest clears the error.
    /// </summary>
    public bool NumericError => UsesErrorPin && (State->FpuStatus & FpuStatusWord.Pending) != 0;

    /// <summary>
    /// The pin IGNNE#: waiting x87 instructions go on in spite of a pending error. A PC asserts it when the guest writes to port F0h, and
    /// takes it back with FERR#: it can be set only while <see cref="NumericError"/> is true, and ends when the guest clears the error.
    /// </summary>
    public bool IgnoreNumericError
    {
        get => State->FpuIgnoresError != 0;
        set => State->FpuIgnoresError = value && NumericError ? (byte)1 : (byte)0;
    }

    /// <summary>The 80286 and the 80386 have no CR0.NE and always raise #MF.</summary>
    bool UsesErrorPin => !isUserMode && (Model.Has(CpuFeature.I486) ? (state->Cr0 & Cr0.NumericError) == 0 : !Model.Has(CpuFeature.I286));
}
