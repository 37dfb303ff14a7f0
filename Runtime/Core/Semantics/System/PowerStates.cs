using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.SystemManagement;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>MONITOR, MWAIT and RSM.</summary>
static unsafe class PowerStates
{
    /// <summary>MONITOR: no extension is known. What it watches does not matter, because MWAIT waits for an event or not at all.</summary>
    public static void Monitor(CpuState* s, uint extensions)
    {
        if (extensions != 0)
        {
            Raise.GeneralProtection(s, 0);
        }
    }

    /// <summary>
    /// MWAIT, as HLT. The one extension lets interrupts end it that IF holds back. Where another vCPU may write what is watched, it does not wait (as with KVM), which is always
    /// allowed: whoever uses it looks at the memory again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Wait(CpuState* s, Op* op, long fuel)
    {
        if ((uint)s->Rcx > 1)
        {
            Raise.GeneralProtection(s, 0);
            return Leave.Fault(s, op, fuel);
        }
        if (!HasCompany(s))
        {
            s->Fault = FaultCode.Halt;
            s->FaultErrorCode = (uint)s->Rcx;
        }
        return Leave.Next(s, op, fuel);
    }

    /// <summary>Not inlined: a call through a pointer would look like one of a next handler.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool HasCompany(CpuState* s) => Vcpu.Of(s).Machine is { Vcpus.Count: > 1 };

    /// <summary>RSM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ResumeFromManagement(CpuState* s, Op* op, long fuel)
    {
        if (s->InSmm == 0)
        {
            Raise.InvalidOpcode(s);
            return Leave.Fault(s, op, fuel);
        }
        if (!SystemManagementMode.TryLeave(Vcpu.Of(s)))
        {
            s->Fault = FaultCode.Shutdown;
            return Leave.Fault(s, op, fuel);
        }
        return Leave.Indirect(s, s->Rip, fuel);
    }
}
