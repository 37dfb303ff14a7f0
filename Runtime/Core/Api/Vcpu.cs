using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Events;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.Privileged;
using FastVcpu.State;

namespace FastVcpu;

/// <summary>
/// A virtual CPU. One thread at a time uses it; <see cref="RequestExit"/> may be called from any. Between two runs all of its state may be
/// read and written.
/// </summary>
public sealed unsafe partial class Vcpu : IDisposable
{
    const long DefaultCodeCacheBytes = 64 << 20;

    const ulong DefaultMxcsr = 0x1F80;

    readonly CpuState* state;
    readonly GCHandle self;
    readonly BlockCache blocks;
    readonly CodeSegments codeSegments = new();
    const int DescriptorCount = 32;

    /// <summary>Replaced as a whole, so that saved states share them.</summary>
    ulong[] descriptors = new ulong[DescriptorCount];
    readonly bool isUserMode;
    bool isDisposed;

    /// <summary>
    /// Creates a vCPU in user mode: CPL 3, flat segments, no interrupts. What an operating system would handle – exceptions, SYSCALL,
    /// SYSENTER, INT n – ends the run.
    /// </summary>
    /// <param name="model">The instructions it has.</param>
    /// <param name="space">Its memory; may be shared with other vCPUs.</param>
    /// <param name="size">Kind of code.</param>
    /// <exception cref="ArgumentException">64-bit code on a model without long mode, 32-bit code on one without protected mode.</exception>
    public Vcpu(CpuModel model, AddressSpace space, CodeSize size)
        : this(model, space, size, RealClock.Shared)
    {
    }

    /// <summary>Creates a vCPU in user mode that sees another time than the host's.</summary>
    /// <param name="model">The instructions it has.</param>
    /// <param name="space">Its memory; may be shared with other vCPUs.</param>
    /// <param name="size">Kind of code.</param>
    /// <param name="clock">What the time-stamp counter reads; with an <see cref="InstructionClock"/>, every run sees the same time.</param>
    /// <exception cref="ArgumentException">64-bit code on a model without long mode, 32-bit code on one without protected mode.</exception>
    public Vcpu(CpuModel model, AddressSpace space, CodeSize size, Clock clock)
        : this(model, (space ?? throw new ArgumentNullException(nameof(space))).Translator, null, clock ?? throw new ArgumentNullException(nameof(clock)))
    {
        CpuFeature needed = size == CodeSize.Bits64 ? CpuFeature.Lm : CpuFeature.I386;
        if (!model.Has(needed))
        {
            Dispose();
            throw new ArgumentException($"The CPU model {model.Name} does not run {(int)size}-bit code.", nameof(model));
        }
        Space = space;
        UserMode.Initialize(this, size);
    }

    internal Vcpu(CpuModel model, Translator translator, VirtualMachine? machine, Clock clock, int id = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        Features = model.Features;
        Translator = translator;
        Machine = machine;
        Id = id;
        isUserMode = machine == null;
        Clock = clock;
        counted = Clock as InstructionClock;
        wakeGate = machine?.WakeGate ?? new object();
        state = (CpuState*)NativeMemory.AlignedAlloc(CpuState.Size, 64);
        NativeMemory.Clear(state, CpuState.Size);
        self = GCHandle.Alloc(this, GCHandleType.Weak);
        state->Owner = GCHandle.ToIntPtr(self);
        state->SystemFlags = 2;
        state->Flags = Flags.FromEflags(0);
        state->UserMode = isUserMode ? 1 : 0;
        state->CountsTime = counted != null ? 1 : 0;
        state->LinearShift = 64 - Implemented.LinearAddressBits;
        state->FlagsImplemented = Implemented.Flags(model);
        state->PhysicalReserved = ulong.MaxValue << Implemented.PhysicalAddressBits(model);
        state->FpuControl = 0x37F;
        state->Mxcsr = (uint)DefaultMxcsr;
        Miss.Install(state);
        Regs = new RegisterFile(this);
        Segments = new SegmentFile(this);
        Fpu = new FpuState(this);
        Tlb.Clear(state);
        Tlb.Use(state, Tlb.SetFor(state));
        blocks = new BlockCache(this, state, DefaultCodeCacheBytes);
        Debugging = new GuestDebugging(state, blocks);
        Queue = new EventQueue(this, state);
        Apic = machine?.IrqChip?.CreateLocalApic(this, state);
        Domain.Attach(this);
    }

    /// <summary>Returns the memory of a vCPU that nobody disposed.</summary>
    ~Vcpu() => Free();

    /// <summary>The instructions and identification of this CPU.</summary>
    public CpuModel Model { get; }

    /// <summary>General registers, RIP and RFLAGS.</summary>
    public RegisterFile Regs { get; }

    /// <summary>Segment registers.</summary>
    public SegmentFile Segments { get; }

    /// <summary>x87 unit and MXCSR.</summary>
    public FpuState Fpu { get; }

    /// <summary>Blocks of code decoded so far.</summary>
    public long BlocksDecoded => blocks.Built;

    /// <summary>
    /// The most host memory that decoded instructions may take, in bytes; 64 MiB at first. When it is full, a piece of 64 KiB is emptied to make room. Each block of code takes
    /// some 200 bytes more.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 64 KiB.</exception>
    public long CodeCacheLimit
    {
        get => blocks.Limit;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, CodeRegion.Size);
            _ = State;
            blocks.Limit = value;
        }
    }

    /// <summary>Host memory that decoded instructions take now, in bytes.</summary>
    public long CodeCacheBytes => blocks.Bytes;

    /// <summary>Pieces of decoded code that were dropped to make room, so far.</summary>
    public long CodeCacheEvictions => blocks.Evictions;

    /// <summary>The decoded code.</summary>
    internal BlockCache Blocks => blocks;

    /// <summary>The memory of a vCPU in user mode; null for one of a machine.</summary>
    public AddressSpace? Space { get; }

    internal CpuState* State
    {
        get
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return state;
        }
    }


    internal FeatureSet Features { get; }

    internal Translator Translator { get; }

    internal MemoryDomain Domain => Translator.Domain;

    /// <summary>The memory slots of a system vCPU.</summary>
    internal PhysicalMemory Physical => (PhysicalMemory)Translator;

    internal bool IsUserMode => isUserMode;

    internal CodeTlb CodeTlb { get; } = new();

    internal Mmio Mmio { get; } = new();

    /// <summary>A vector register, 64 bytes, lowest first; a live view: XMM is the first 16, YMM the first 32.</summary>
    /// <param name="number">0 to 31.</param>
    public Span<byte> VectorRegister(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, 31u, nameof(number));
        return new Span<byte>(&State->FirstVector + number * CpuState.VectorSize, CpuState.VectorSize);
    }

    /// <summary>User mode: defines a segment that the guest may load (an entry of the global descriptor table).</summary>
    /// <param name="index">Entry number, 1 to 31: the selector without its low three bits, divided by 8.</param>
    /// <param name="descriptor">The 8 bytes of the descriptor (SDM Vol. 3 3.4.5); 0 removes the entry.</param>
    public void SetDescriptor(int index, ulong descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, descriptors.Length);
        descriptors = [.. descriptors];
        descriptors[index] = descriptor;
    }

    /// <summary>Makes the current or the next <see cref="Run"/> return with <see cref="ExitReason.Interrupted"/> within one block of code. From any thread.</summary>
    public void RequestExit() => Wake(PendingBits.Exit);

    /// <summary>Returns all memory. The vCPU must not be running.</summary>
    public void Dispose()
    {
        if (!isDisposed)
        {
            Apic?.Dispose();
            Domain.Detach(this);
            (Coverage, CompareLog) = (null, null);
            blocks.Dispose();
            Free();
            GC.SuppressFinalize(this);
        }
    }

    internal static Vcpu Of(CpuState* s) => (Vcpu)GCHandle.FromIntPtr(s->Owner).Target!;

    internal bool TryReadDescriptor(ushort selector, out ulong descriptor)
    {
        int index = selector >> 3;
        descriptor = (selector & 4) == 0 && index < descriptors.Length ? descriptors[index] : 0;
        return descriptor != 0;
    }

    internal ulong GetRflags() => State->SystemFlags | State->Flags.ToEflags();

    internal void SetRflags(ulong value)
    {
        State->Flags = Flags.FromEflags((uint)value);
        State->SystemFlags = value & SystemFlagBits.Settable | 2;
        PrivilegeChanged();
    }

    /// <summary>Brings the mode word up to date after a change of segments, control registers or flags that decoding depends on.</summary>
    internal void UpdateMode()
    {
        Tlb.Use(state, Tlb.SetFor(state));
        uint mode = ModeWord.Compute(state);
        if ((mode & CpuMode.CodeSizeMask) != CpuMode.Code64)
        {
            mode |= codeSegments.Number(state->Cs.Base, state->Cs.Limit, out bool isShared) << CpuMode.CodeSegmentShift;
            if (isShared)
            {
                blocks.ForgetAddresses();
            }
        }
        if (mode != state->Mode)
        {
            state->Mode = mode;
            ReturnStack.Clear(state);
        }
    }

    void Free()
    {
        lock (wakeGate)
        {
            if (!isDisposed)
            {
                isDisposed = true;
                self.Free();
                NativeMemory.AlignedFree(state);
            }
        }
    }
}
