using FastVcpu.Execution;

namespace FastVcpu.Decode;

/// <summary>How decoding of one instruction ended.</summary>
enum DecodeStatus : byte
{
    Ok,
    /// <summary>#UD.</summary>
    Undefined,
    /// <summary>More than 15 bytes: #GP(0).</summary>
    TooLong,
    /// <summary>The bytes given ended before the instruction did.</summary>
    Incomplete,
    /// <summary>The privilege level forbids it: #GP(0).</summary>
    Privileged,
    /// <summary>CR0 has the unit switched off: #NM.</summary>
    NotAvailable,
}

/// <summary>Why an instruction ends its block.</summary>
enum BlockEnd : byte
{
    None,
    /// <summary>Conditional direct branch.</summary>
    Jcc,
    /// <summary>Unconditional direct branch.</summary>
    Jump,
    /// <summary>Branch to a computed address.</summary>
    Indirect,
    /// <summary>Call with a direct target.</summary>
    Call,
    /// <summary>Near return.</summary>
    Return,
    /// <summary>Mode or event state may have changed: the dispatcher has to look.</summary>
    Mode,
    /// <summary>The handler itself leaves.</summary>
    Exit,
}

/// <summary>What decoding found out besides the fields of the <see cref="Op"/>.</summary>
struct Decoded
{
    public DecodeStatus Status;
    public byte Length;
    public BlockEnd End;
    public HandlerKey Key;
    /// <summary>Arithmetic flags read, as bits of RFLAGS.</summary>
    public uint FlagsRead;
    /// <summary>Arithmetic flags that the instruction certainly overwrites.</summary>
    public uint FlagsWritten;
    /// <summary>The instruction may fault or leave, so that its predecessors' flags can be seen.</summary>
    public bool MayFault;
}
