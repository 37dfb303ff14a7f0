using System.Runtime.InteropServices;
using FastVcpu.Execution;
using FastVcpu.Memory;

namespace FastVcpu.State;

/// <summary>A segment register with its hidden part, prepared for fast checks.</summary>
[StructLayout(LayoutKind.Sequential, Size = SegmentCache.Size)]
struct SegmentCache
{
    public const int Size = 32;

    /// <summary>Linear base address. First, so that a segment's offset in the state is also the offset of its base.</summary>
    public ulong Base;
    /// <summary>Bytes that may be read from offset 0 on: limit + 1, or 0 when a check is needed for each access (null, expand-down, execute-only).</summary>
    public ulong ReadableBytes;
    /// <summary>Bytes that may be written from offset 0 on, as <see cref="ReadableBytes"/>.</summary>
    public ulong WritableBytes;
    /// <summary>The limit in bytes, granularity applied.</summary>
    public uint Limit;
    public ushort Selector;
    /// <summary>Descriptor bits 40–55 without the limit nibble: type, S, DPL, P, AVL, L, D/B, G (SDM Vol. 3 3.4.5).</summary>
    public ushort Attributes;
}

/// <summary>Everything a handler can reach, in unmanaged memory, at fixed offsets. Registers are named by byte offset into it.</summary>
[StructLayout(LayoutKind.Explicit, Size = CpuState.Size)]
unsafe struct CpuState
{
    public const int Size = ReturnStackOffset + ReturnStackEntries * 16;

    /// <summary>Rax..R15 in the order of their numbers, 8 bytes each.</summary>
    public const int GprOffset = 0x000;
    /// <summary>Two words that are always zero: an absent base or index or a flat segment; the second marks the stack segment, so that a fault knows it.</summary>
    public const int ZeroOffset = 0x080, ZeroStackOffset = 0x088;
    public const int FlagsOffset = 0x090;
    /// <summary>ES CS SS DS FS GS, then LDTR and TR.</summary>
    public const int SegmentOffset = 0x100;
    public const int EsOffset = SegmentOffset, SsOffset = SegmentOffset + 2 * SegmentCache.Size, FsOffset = SegmentOffset + 4 * SegmentCache.Size;
    /// <summary>What is a vCPU's own and no part of a saved state: pointers, requests, the debugger's settings.</summary>
    public const int OwnOffset = 0x280, OwnSize = 0x80;
    public const int FprOffset = OwnOffset + OwnSize;
    public const int VectorOffset = 0x400, VectorSize = 64;
    public const int OpmaskOffset = 0xC00;
    public const int ScratchOffset = 0xC40, ScratchSize = 0x80;
    /// <summary>System registers that no hot path reads.</summary>
    public const int SystemOffset = ScratchOffset + ScratchSize;
    public const int DebugRegisterOffset = SystemOffset, DirectoryPointerOffset = DebugRegisterOffset + 8 * 8, MsrOffset = DirectoryPointerOffset + 4 * 8;
    public const int FixedMtrrOffset = MsrOffset + 20 * 8, FixedMtrrs = 11, VariableMtrrOffset = FixedMtrrOffset + FixedMtrrs * 8, VariableMtrrs = 8;
    /// <summary>State of event delivery and of debugging.</summary>
    public const int EventOffset = VariableMtrrOffset + VariableMtrrs * 16;
    /// <summary>The end of the guest's part, in whole lines of 64 bytes; behind it there are only caches.</summary>
    public const int ImageSize = (EventOffset + 48 + 63) & ~63;
    /// <summary>Pages that lead to devices.</summary>
    public const int DeviceTlbOffset = ImageSize;
    /// <summary>Careful handlers that have been looked for lately.</summary>
    public const int CarefulOffset = DeviceTlbOffset + 8 * 16, CarefulEntries = 8;
    /// <summary>One read and one write TLB for each <see cref="TlbSet"/>.</summary>
    public const int TlbOffset = 0x1000, TlbSize = Tlb.Entries * 16;
    public const int JumpCacheOffset = TlbOffset + (int)TlbSet.Count * 2 * TlbSize, JumpCacheEntries = 2048;
    public const int ReturnStackOffset = JumpCacheOffset + JumpCacheEntries * 32, ReturnStackEntries = 16;

    [FieldOffset(0x000)] public ulong Rax;
    [FieldOffset(0x008)] public ulong Rcx;
    [FieldOffset(0x010)] public ulong Rdx;
    [FieldOffset(0x018)] public ulong Rbx;
    [FieldOffset(0x020)] public ulong Rsp;
    [FieldOffset(0x028)] public ulong Rbp;
    [FieldOffset(0x030)] public ulong Rsi;
    [FieldOffset(0x038)] public ulong Rdi;

    [FieldOffset(FlagsOffset)] public Flags Flags;
    /// <summary>RFLAGS without the six arithmetic flags: TF IF DF IOPL NT RF VM AC VIF VIP ID, bit 1 set.</summary>
    [FieldOffset(0x0A0)] public ulong SystemFlags;
    /// <summary>The mode bits that decoded code depends on (<see cref="Decode.CpuMode"/>).</summary>
    [FieldOffset(0x0AC)] public uint Mode;
    /// <summary>Instruction pointer. Exact whenever no handler runs; inside a block the op knows it.</summary>
    [FieldOffset(0x0B0)] public ulong Rip;
    /// <summary>Not zero when an instruction did not complete (<see cref="Faults.FaultCode"/>).</summary>
    [FieldOffset(0x0B8)] public int Fault;
    [FieldOffset(0x0BC)] public uint FaultErrorCode;
    [FieldOffset(0x0C0)] public ulong FaultAddress;
    /// <summary>Current privilege level.</summary>
    [FieldOffset(0x0DC)] public int Cpl;
    /// <summary>Progress and input of an instruction that exits and completes at the next run (IN, INS, RDMSR …).</summary>
    [FieldOffset(0x0E0)] public ulong ExitData;
    [FieldOffset(0x0E8)] public int ExitDataReady;
    [FieldOffset(0x0EC)] public int ExitPort;
    [FieldOffset(0x0F0)] public int ExitKind;
    [FieldOffset(0x0F4)] public int ExitSize;

    [FieldOffset(SegmentOffset + 0 * SegmentCache.Size)] public SegmentCache Es;
    [FieldOffset(SegmentOffset + 1 * SegmentCache.Size)] public SegmentCache Cs;
    [FieldOffset(SegmentOffset + 2 * SegmentCache.Size)] public SegmentCache Ss;
    [FieldOffset(SegmentOffset + 3 * SegmentCache.Size)] public SegmentCache Ds;
    [FieldOffset(SegmentOffset + 4 * SegmentCache.Size)] public SegmentCache Fs;
    [FieldOffset(SegmentOffset + 5 * SegmentCache.Size)] public SegmentCache Gs;
    [FieldOffset(SegmentOffset + 6 * SegmentCache.Size)] public SegmentCache Ldtr;
    [FieldOffset(SegmentOffset + 7 * SegmentCache.Size)] public SegmentCache Tr;

    [FieldOffset(0x200)] public ulong GdtBase;
    [FieldOffset(0x208)] public ulong IdtBase;
    [FieldOffset(0x210)] public uint GdtLimit;
    [FieldOffset(0x214)] public uint IdtLimit;
    [FieldOffset(0x218)] public ulong Cr0;
    [FieldOffset(0x220)] public ulong Cr2;
    [FieldOffset(0x228)] public ulong Cr3;
    [FieldOffset(0x230)] public ulong Cr4;
    [FieldOffset(0x238)] public ulong Cr8;
    [FieldOffset(0x240)] public ulong Efer;
    [FieldOffset(0x248)] public ulong Xcr0;
    /// <summary>Bits 63–48 (63–57 with CR4.LA57) of a linear address are copies of the next: the distance by which such an address is shifted.</summary>
    [FieldOffset(0x250)] public int LinearShift;
    /// <summary>Not zero: the embedder is the operating system (<see cref="Vcpu.IsUserMode"/>).</summary>
    [FieldOffset(0x254)] public int UserMode;
    /// <summary>The bits of RFLAGS beside the arithmetic ones that this CPU model has.</summary>
    [FieldOffset(0x258)] public ulong FlagsImplemented;
    /// <summary>Bits beyond the physical address width of this CPU model.</summary>
    [FieldOffset(0x260)] public ulong PhysicalReserved;

    /// <summary>Reasons to leave the chain of blocks at the next block end (<see cref="PendingBits"/>). Written by other threads too.</summary>
    [FieldOffset(OwnOffset)] public int Pending;
    [FieldOffset(OwnOffset + 0x04)] public uint ReturnStackTop;
    /// <summary>The TLBs in force: those of the present <see cref="TlbSet"/>.</summary>
    [FieldOffset(OwnOffset + 0x08)] public TlbEntry* ReadTlb;
    [FieldOffset(OwnOffset + 0x10)] public TlbEntry* WriteTlb;
    /// <summary>The stub op through which a block was left to a target that is not linked yet, or null.</summary>
    [FieldOffset(OwnOffset + 0x18)] public Op* LinkSource;
    /// <summary>Counters of the edges between blocks; half the location of the last block; the mark of blocks that have been run (<see cref="CoverageMap"/>).</summary>
    [FieldOffset(OwnOffset + 0x20)] public byte* CoverageBytes;
    [FieldOffset(OwnOffset + 0x28)] public uint CoveragePrevious;
    [FieldOffset(OwnOffset + 0x2C)] public uint CoverageEpoch;
    /// <summary>The counters that are not zero: first the room that is left in the list, then their numbers from the end backwards.</summary>
    [FieldOffset(OwnOffset + 0x30)] public uint* CoverageTouched;
    /// <summary>Where handlers go on after a miss (<see cref="Execution.Miss"/>).</summary>
    [FieldOffset(OwnOffset + 0x40)] public delegate*<CpuState*, Op*, long, ulong, long> ReadMiss;
    [FieldOffset(OwnOffset + 0x48)] public delegate*<CpuState*, Op*, long, ulong, long> WriteMiss;
    [FieldOffset(OwnOffset + 0x50)] public delegate*<CpuState*, Op*, long, long> ComputeMiss;
    /// <summary>GC handle of the owning <see cref="Vcpu"/>.</summary>
    [FieldOffset(OwnOffset + 0x58)] public nint Owner;
    /// <summary>Kinds of access that a watchpoint looks at, bits by <see cref="AccessKind"/>.</summary>
    [FieldOffset(OwnOffset + 0x60)] public int WatchedKinds;
    /// <summary>Not zero: INT3 is a breakpoint of the debugger's.</summary>
    [FieldOffset(OwnOffset + 0x64)] public int TakesBreakpoints;
    /// <summary>Not zero: the clock follows the instructions.</summary>
    [FieldOffset(OwnOffset + 0x68)] public int CountsTime;
    /// <summary>PAUSE instructions so far.</summary>
    [FieldOffset(OwnOffset + 0x6C)] public uint Pauses;

    [FieldOffset(0x0C8)] public ushort FpuControl;
    [FieldOffset(0x0CA)] public ushort FpuStatus;
    /// <summary>Abridged tag word: bit p set when physical register p is not empty.</summary>
    [FieldOffset(0x0CC)] public byte FpuTag;
    /// <summary>Not 0: the pin IGNNE# is asserted. The board takes it back with FERR#, so it goes when the pending error does.</summary>
    [FieldOffset(0x0CD)] public byte FpuIgnoresError;
    [FieldOffset(0x0CE)] public ushort FpuOpcode;
    [FieldOffset(0x0D0)] public uint Mxcsr;
    [FieldOffset(0x268)] public ulong FpuInstructionPointer;
    [FieldOffset(0x270)] public ulong FpuDataPointer;
    [FieldOffset(0x278)] public ushort FpuCs;
    [FieldOffset(0x27A)] public ushort FpuDs;
    [FieldOffset(FprOffset)] public byte FirstFpr;
    [FieldOffset(VectorOffset)] public byte FirstVector;
    [FieldOffset(ScratchOffset)] public byte FirstScratch;
    /// <summary>DR0 to DR7; the fourth and fifth are not used.</summary>
    [FieldOffset(DebugRegisterOffset)] public ulong FirstDr;
    [FieldOffset(DebugRegisterOffset + 6 * 8)] public ulong Dr6;
    [FieldOffset(DebugRegisterOffset + 7 * 8)] public ulong Dr7;
    /// <summary>PAE paging: the four page-directory-pointer-table entries, loaded by a write of CR3.</summary>
    [FieldOffset(DirectoryPointerOffset)] public ulong FirstDirectoryPointer;
    [FieldOffset(MsrOffset + 0 * 8)] public ulong SysenterCs;
    [FieldOffset(MsrOffset + 1 * 8)] public ulong SysenterEsp;
    [FieldOffset(MsrOffset + 2 * 8)] public ulong SysenterEip;
    [FieldOffset(MsrOffset + 3 * 8)] public ulong Star;
    [FieldOffset(MsrOffset + 4 * 8)] public ulong Lstar;
    [FieldOffset(MsrOffset + 5 * 8)] public ulong Cstar;
    [FieldOffset(MsrOffset + 6 * 8)] public ulong SyscallMask;
    [FieldOffset(MsrOffset + 7 * 8)] public ulong KernelGsBase;
    /// <summary>Added to the machine's clock.</summary>
    [FieldOffset(MsrOffset + 8 * 8)] public ulong TscOffset;
    [FieldOffset(MsrOffset + 9 * 8)] public ulong TscAdjust;
    [FieldOffset(MsrOffset + 10 * 8)] public ulong TscAux;
    [FieldOffset(MsrOffset + 11 * 8)] public ulong ApicBase;
    [FieldOffset(MsrOffset + 12 * 8)] public ulong Pat;
    [FieldOffset(MsrOffset + 13 * 8)] public ulong MtrrDefaultType;
    [FieldOffset(MsrOffset + 14 * 8)] public ulong MiscEnable;
    [FieldOffset(MsrOffset + 15 * 8)] public ulong DebugControl;
    [FieldOffset(MsrOffset + 16 * 8)] public ulong FeatureControl;
    [FieldOffset(MsrOffset + 17 * 8)] public ulong MicrocodeRevision;
    [FieldOffset(MsrOffset + 18 * 8)] public ulong SmBase;
    [FieldOffset(MsrOffset + 19 * 8)] public ulong MachineCheckStatus;
    [FieldOffset(FixedMtrrOffset)] public ulong FirstFixedMtrr;
    /// <summary>Base and mask of each.</summary>
    [FieldOffset(VariableMtrrOffset)] public ulong FirstVariableMtrr;
    /// <summary>Events wait for one instruction (<see cref="InterruptShadow"/>).</summary>
    [FieldOffset(EventOffset)] public InterruptShadow Shadow;
    /// <summary>Not zero from the delivery of an NMI to the next IRET.</summary>
    [FieldOffset(EventOffset + 4)] public int NmiMasked;
    /// <summary>Not zero in system-management mode; <see cref="SmmInsideNmi"/>: NMIs were masked when it was entered.</summary>
    [FieldOffset(EventOffset + 8)] public int InSmm;
    [FieldOffset(EventOffset + 12)] public int SmmInsideNmi;
    /// <summary>A debug trap of the instruction that has just retired waits for delivery: its bits of DR6.</summary>
    [FieldOffset(EventOffset + 16)] public uint PendingDebug;
    /// <summary>Not zero while one instruction runs by itself, so that its hits are recorded instead of restarting it.</summary>
    [FieldOffset(EventOffset + 20)] public int IsSingle;
    /// <summary>Set by each delivery through the vector table: the TF of the instruction is in the frame and its trap does not follow.</summary>
    [FieldOffset(EventOffset + 24)] public int EventDelivered;
    /// <summary>Elements of a port access: one, or several of INS and OUTS.</summary>
    [FieldOffset(EventOffset + 28)] public int ExitCount;
    /// <summary>Not zero: a repeated string instruction ends after one element.</summary>
    [FieldOffset(EventOffset + 32)] public int EndsAfterElement;
    /// <summary>Not zero: where the sequence of random numbers stands that every run gets.</summary>
    [FieldOffset(EventOffset + 40)] public ulong RandomState;
    [FieldOffset(DeviceTlbOffset)] public TlbEntry FirstDeviceEntry;
    [FieldOffset(CarefulOffset)] public CarefulEntry FirstCarefulEntry;
    [FieldOffset(TlbOffset)] public TlbEntry FirstTlbEntry;
    [FieldOffset(JumpCacheOffset)] public JumpCacheEntry FirstJumpCacheEntry;
    [FieldOffset(ReturnStackOffset)] public ReturnStackEntry FirstReturnStackEntry;
}
