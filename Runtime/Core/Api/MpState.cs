namespace FastVcpu;

/// <summary>Whether a vCPU runs (<c>KVM_MP_STATE_*</c>).</summary>
public enum MpState
{
    /// <summary>It runs.</summary>
    Runnable = 0,
    /// <summary>An application processor that waits for INIT.</summary>
    Uninitialized = 1,
    /// <summary>It has got INIT and waits for SIPI.</summary>
    InitReceived = 2,
    /// <summary>It has executed HLT and waits for an event.</summary>
    Halted = 3,
    /// <summary>It has got SIPI and is about to start.</summary>
    SipiReceived = 4,
}
