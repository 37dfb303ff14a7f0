namespace FastVcpu.Linux.Abi;

/// <summary>A siginfo_t: what happened, in the shape that its code calls for.</summary>
readonly record struct SignalInfo(int Signal, int Code)
{
    public const int User = 0, Kernel = 0x80, Queue = -1, Timer = -2, ThreadKill = -6;
    public const int ChildExited = 1, ChildKilled = 2, ChildDumped = 3, ChildStopped = 5, ChildContinued = 6;
    public const int SegmentNotMapped = 1, SegmentAccess = 2, IllegalOperand = 2, DivideByZero = 1, BreakpointTrap = 1, TraceTrap = 2;
    public const int AlignmentError = 1, BusAddressError = 2;

    /// <summary>siginfo_t is this long in both ABIs.</summary>
    public const int Size = 128;

    /// <summary>Sender or child.</summary>
    public int ProcessId { get; init; }

    public uint UserId { get; init; }

    /// <summary>Exit code or signal of a child.</summary>
    public int Status { get; init; }

    /// <summary>sigval.</summary>
    public ulong Value { get; init; }

    /// <summary>Fault address.</summary>
    public ulong Address { get; init; }

    /// <summary>Vector and error code of the exception that caused it, for the signal context.</summary>
    public int TrapVector { get; init; }

    public uint TrapErrorCode { get; init; }

    /// <summary>It comes from an instruction of the thread.</summary>
    public bool IsFault => Code > 0 && Signal is Abi.Signal.SIGSEGV or Abi.Signal.SIGBUS or Abi.Signal.SIGILL or Abi.Signal.SIGFPE or Abi.Signal.SIGTRAP;

    /// <summary>Writes all 128 bytes.</summary>
    public void Write(ref StructWriter w)
    {
        int start = w.Position;
        w.Int(Signal);
        w.Int(0);
        w.Int(Code);
        if (IsFault)
        {
            w.Word(Code == Kernel ? 0 : Address);
        }
        else if (Signal == Abi.Signal.SIGCHLD && Code > 0)
        {
            // The union starts with an int but is aligned for the longs in it.
            w.PadTo(start + (UnionOffset(w, start)));
            w.Int(ProcessId);
            w.Int(UserId);
            w.Int(Status);
            w.Word(0UL);
            w.Word(0UL);
        }
        else
        {
            w.PadTo(start + (UnionOffset(w, start)));
            w.Int(ProcessId);
            w.Int(UserId);
            w.Word(Value);
        }

        w.PadTo(start + Size);
    }

    /// <summary>Reads what rt_sigqueueinfo passes.</summary>
    public static SignalInfo Read(ReadOnlySpan<byte> bytes, LinuxAbi abi)
    {
        StructReader r = new(bytes, abi);
        int signal = (int)r.Int();
        r.Int();
        int code = (int)r.Int();
        r.SkipTo(abi.Is64 ? 16 : 12);
        return new SignalInfo(signal, code) { ProcessId = (int)r.Int(), UserId = r.Int(), Value = r.Word() };
    }

    static int UnionOffset(in StructWriter w, int start) => w.WordSize == 8 ? 16 : w.Position - start;
}
