using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Interrupts;
using FastVcpu.Privileged.Msrs;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu;

/// <summary>Registers and identification that the embedder gets, sets, or answers for.</summary>
public sealed unsafe partial class Vcpu
{
    Dictionary<(uint Leaf, uint? Subleaf), CpuidEntry>? cpuid;

    /// <summary>The exit of an instruction that the embedder answers.</summary>
    VcpuExit requestExit;

    /// <summary>Accesses to model-specific registers that end the run (KVM_CAP_X86_USER_SPACE_MSR).</summary>
    public MsrExitReasons MsrExits { get; set; }

    /// <summary>Registers whose accesses end the run with <see cref="MsrExitReasons.Filter"/>, although the core may have them.</summary>
    public ISet<uint> MsrFilter { get; } = new HashSet<uint>();

    /// <summary><see cref="ExitReason.ReadMsr"/>: the value that the guest gets, to be set before the next run.</summary>
    public ulong MsrData { get; set; }

    /// <summary>The guest gets #GP(0) for the access of <see cref="ExitReason.ReadMsr"/> or <see cref="ExitReason.WriteMsr"/>; to be set before the next run, which clears it.</summary>
    public bool MsrFails { get; set; }

    /// <summary>VMCALL and VMMCALL end the run instead of being undefined (KVM_CAP_EXIT_HYPERCALL).</summary>
    public bool ExitsOnHypercall { get; set; }

    /// <summary><see cref="ExitReason.Hypercall"/>: what the guest gets in RAX, to be set before the next run.</summary>
    public ulong HypercallResult { get; set; }

    /// <summary>The model-specific registers of this vCPU (KVM_GET_MSR_INDEX_LIST).</summary>
    public IReadOnlyList<uint> MsrIndices => [.. MsrTable.Of(Model), .. Apic != null && ApicCpuid.HasExtended(Model) ? [MsrIndex.TscDeadline] : Array.Empty<uint>()];

    /// <summary>Reads a model-specific register (KVM_GET_MSRS).</summary>
    /// <param name="index">Its number.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is no such register.</returns>
    public bool TryGetMsr(uint index, out ulong value) => MsrTable.TryRead(State, index, out value);

    /// <summary>Writes a model-specific register (KVM_SET_MSRS).</summary>
    /// <param name="index">Its number.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is no such register, or it does not take the value; then nothing has changed.</returns>
    public bool TrySetMsr(uint index, ulong value)
    {
        bool done = MsrTable.TrySet(State, index, value);
        SystemStateChanged();
        return done;
    }

    /// <summary>What CPUID returns now.</summary>
    /// <param name="leaf">EAX.</param>
    /// <param name="subleaf">ECX.</param>
    public CpuidEntry GetCpuid(uint leaf, uint subleaf = 0)
    {
        CpuState* s = State;
        if (cpuid != null)
        {
            return cpuid.GetValueOrDefault((leaf, subleaf), cpuid.GetValueOrDefault((leaf, null))) with { Leaf = leaf, Subleaf = subleaf };
        }
        (uint eax, uint ebx, uint ecx, uint edx) = Cpuid.Query(Model, leaf, subleaf, s->Cr4, s->Xcr0);
        CpuidEntry entry = new(leaf, subleaf, eax, ebx, ecx, edx);
        return Apic == null ? entry : ApicCpuid.Complete(entry, Model, Apic);
    }

    /// <summary>
    /// Replaces what CPUID returns (KVM_SET_CPUID2); leaves that are not there read as zero. The instructions of the vCPU stay those of its
    /// <see cref="Model"/>.
    /// </summary>
    /// <param name="entries">The leaves; null for those of the model.</param>
    /// <exception cref="ArgumentException">A leaf is there twice.</exception>
    public void SetCpuid(IEnumerable<CpuidEntry>? entries) => cpuid = entries?.ToDictionary(entry => (entry.Leaf, entry.Subleaf));

    /// <summary>XCR0 (KVM_GET_XCRS, KVM_SET_XCRS).</summary>
    /// <exception cref="ArgumentException">A combination that the model does not have.</exception>
    public ulong Xcr0
    {
        get => State->Xcr0;
        set
        {
            if (!ControlRegisters.IsExtendedControl(Model, value))
            {
                throw new ArgumentException($"XCR0 {value:x}h is not one that {Model.Name} can have.", nameof(value));
            }
            State->Xcr0 = value;
            SystemStateChanged();
        }
    }

    /// <summary>Asks the embedder for RDMSR or WRMSR, if it wants to be asked. True: the reason to leave is recorded, or (<paramref name="isAnswered"/>) it has answered.</summary>
    internal bool TryAskMsr(uint index, bool isWrite, ulong value, MsrExitReasons reason, out bool isAnswered)
    {
        isAnswered = state->ExitDataReady != 0;
        if (isAnswered)
        {
            state->ExitDataReady = 0;
            return true;
        }
        if ((MsrExits & reason) == 0)
        {
            return false;
        }
        MsrData = 0;
        MsrFails = false;
        requestExit = new VcpuExit { Reason = isWrite ? ExitReason.WriteMsr : ExitReason.ReadMsr, ErrorCode = index, Data = value };
        state->Fault = FaultCode.ModelSpecificRegister;
        return true;
    }

    /// <summary>VMCALL: asks the embedder. True: it has answered.</summary>
    internal bool AskHypercall()
    {
        if (state->ExitDataReady != 0)
        {
            state->ExitDataReady = 0;
            return true;
        }
        HypercallResult = 0;
        requestExit = new VcpuExit { Reason = ExitReason.Hypercall, Data = state->Rax };
        state->Fault = FaultCode.Hypercall;
        return false;
    }
}
