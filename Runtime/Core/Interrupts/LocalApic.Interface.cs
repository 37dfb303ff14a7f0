using System.Buffers.Binary;
using FastVcpu.Privileged.Msrs;

namespace FastVcpu.Interrupts;

/// <summary>The two ways to the registers: the page at the APIC base, and the MSRs of the x2APIC.</summary>
sealed unsafe partial class LocalApic : IDevice
{
    const int RegisterBytes = sizeof(uint);

    /// <summary>A physical address lies in the page.</summary>
    public bool Claims(ulong physical) => ((physical ^ Base) & ApicBase.PageMask) == 0 && IsPresent && !IsExtended;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        // Each register is the first four bytes of sixteen; what lies between reads as zero.
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        bytes.Clear();
        int register = (int)offset & ~(ApicRegister.Stride - 1), within = (int)offset & (ApicRegister.Stride - 1);
        if (register >= StateSize || !TryRead(register, out uint value))
        {
            RaiseError(ApicError.IllegalRegister);
            return;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        bytes = bytes[within..];
        bytes[..Math.Min(data.Length, bytes.Length)].CopyTo(data);
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        // Only whole registers can be written (11.4.1).
        bool isWhole = offset % ApicRegister.Stride == 0 && data.Length == RegisterBytes;
        if (isWhole && (offset >= StateSize || !TryWrite((int)offset, BinaryPrimitives.ReadUInt32LittleEndian(data))))
        {
            RaiseError(ApicError.IllegalRegister);
        }
    }

    /// <summary>RDMSR of 800h to 8FFh. False: #GP.</summary>
    public bool TryReadMsr(uint index, out ulong value)
    {
        int offset = OffsetOf(index);
        value = 0;
        if (!IsExtended || offset >= StateSize || offset == ApicRegister.CommandHigh || !TryRead(offset, out uint low))
        {
            return false;
        }
        value = offset == ApicRegister.CommandLow ? (ulong)Register(ApicRegister.CommandHigh) << 32 | low : low;
        return true;
    }

    /// <summary>WRMSR of 800h to 8FFh. False: #GP, and nothing has changed.</summary>
    public bool TryWriteMsr(uint index, ulong value)
    {
        int offset = OffsetOf(index);
        if (!IsExtended || offset >= StateSize || offset == ApicRegister.CommandHigh || (value & ~ExtendedWritable(offset)) != 0)
        {
            return false;
        }
        if (offset == ApicRegister.CommandLow)
        {
            Register(ApicRegister.CommandHigh) = (uint)(value >> 32);
        }
        return TryWrite(offset, (uint)value);
    }

    static int OffsetOf(uint index) => (int)(index - MsrIndex.FirstExtendedApic) * ApicRegister.Stride;

    /// <summary>The bits that an MSR takes (table 11-6): a reserved one is #GP.</summary>
    static ulong ExtendedWritable(int offset) => offset switch
    {
        ApicRegister.TaskPriority or ApicRegister.SelfIpi => 0xFF,
        ApicRegister.EndOfInterrupt or ApicRegister.ErrorStatus => 0,
        ApicRegister.SpuriousVector => 0xFF | SoftwareEnable | FocusDisabled | SuppressEoiBroadcast,
        ApicRegister.CommandLow => CommandWritable | 0xFFFFFFFFUL << 32,
        >= ApicRegister.FirstLvt and <= ApicRegister.LastLvt => Lvt.Writable(offset) | Lvt.ReadOnly,
        ApicRegister.InitialCount => uint.MaxValue,
        ApicRegister.DivideConfiguration => 0xB,
        _ => 0,
    };
}
