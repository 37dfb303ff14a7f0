using FastVcpu.Memory;

namespace FastVcpu;

public sealed unsafe partial class Vcpu
{
    /// <summary>Translates a linear address as the guest would now (KVM_TRANSLATE). Nothing in the guest changes: no accessed bit, no fault.</summary>
    /// <param name="linear">Linear address.</param>
    public LinearTranslation Translate(ulong linear) => SlowPath.IsCanonical(State, linear) ? Translator.LookUp(this, linear) : LinearTranslation.None;

    /// <summary>Reads memory at a linear address as a debugger, whatever the permissions.</summary>
    /// <param name="linear">First linear address.</param>
    /// <param name="destination">Receives the bytes; unspecified when false is returned.</param>
    /// <returns>False when a byte is not mapped to memory.</returns>
    public bool TryReadLinear(ulong linear, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int count = Piece(linear, destination.Length);
            if (Translate(linear) is not { IsValid: true, PhysicalAddress: var physical } || !Translator.TryRead(physical, destination[..count]))
            {
                return false;
            }
            destination = destination[count..];
            linear += (ulong)count;
        }
        return true;
    }

    /// <summary>Writes memory at a linear address as a debugger, whatever the permissions; decoded code notices.</summary>
    /// <param name="linear">First linear address.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False when a byte is not mapped to memory; the pages before it have been written.</returns>
    public bool TryWriteLinear(ulong linear, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int count = Piece(linear, source.Length);
            if (Translate(linear) is not { IsValid: true, PhysicalAddress: var physical } || !Translator.TryWrite(physical, source[..count]))
            {
                return false;
            }
            source = source[count..];
            linear += (ulong)count;
        }
        return true;
    }

    /// <summary>Bytes up to the end of the page.</summary>
    static int Piece(ulong linear, int length) => (int)Math.Min((ulong)length, MemoryBlock.PageSize - (linear & ~Tlb.PageMask));
}
