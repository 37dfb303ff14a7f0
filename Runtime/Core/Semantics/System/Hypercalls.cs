using FastVcpu.Faults;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>VMCALL and VMMCALL.</summary>
static unsafe class Hypercalls
{
    /// <summary>KVM's answer to a call from a program: −EPERM.</summary>
    const ulong NotPermitted = unchecked((ulong)-1);

    /// <summary>The embedder's answer, which goes to RAX.</summary>
    public static ulong Call(CpuState* s)
    {
        Vcpu cpu = Vcpu.Of(s);
        if (!cpu.ExitsOnHypercall)
        {
            Raise.InvalidOpcode(s);
            return 0;
        }
        if (s->Cpl != 0)
        {
            return NotPermitted;
        }
        return cpu.AskHypercall() ? cpu.HypercallResult : 0;
    }
}
