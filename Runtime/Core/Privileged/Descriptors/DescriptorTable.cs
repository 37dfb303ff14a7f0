using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged.Descriptors;

/// <summary>The global and the local descriptor table.</summary>
static unsafe class DescriptorTable
{
    const int TableIndicator = 4;
    const uint EntrySize = 8;

    /// <summary>Offset of the byte with type, DPL and presence in a descriptor.</summary>
    const ulong AccessByte = 5;

    /// <summary>The selector as an error code: without RPL.</summary>
    public static uint ErrorCode(ushort selector) => selector & ~3u;

    public static bool IsNull(ushort selector) => (selector & ~3) == 0;

    public static bool IsLocal(ushort selector) => (selector & TableIndicator) != 0;

    /// <summary>Reads the descriptor of a selector that is not null. Beyond the table's limit it is exception <paramref name="vector"/> with the selector.</summary>
    public static bool TryRead(CpuState* s, ushort selector, int vector, out Descriptor descriptor)
    {
        bool exists = TryRead(s, selector, out descriptor);
        if (!exists && s->Fault == FaultCode.None)
        {
            Raise.Exception(s, vector, ErrorCode(selector));
        }
        return exists;
    }

    /// <summary>As <see cref="TryRead(CpuState*, ushort, int, out Descriptor)"/>; a descriptor that does not exist raises nothing.</summary>
    public static bool TryRead(CpuState* s, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        if (s->UserMode != 0)
        {
            bool found = Vcpu.Of(s).TryReadDescriptor(selector, out ulong entry);
            descriptor = new Descriptor(entry);
            return found;
        }
        if (!TryLocate(s, selector, EntrySize, out ulong address) || !ImplicitAccess.TryRead(s, address, out ulong low))
        {
            return false;
        }
        // The 80286 does not look at the last word.
        const ulong Whole80286 = (1UL << 48) - 1;
        low &= (s->FlagsImplemented & SystemFlagBits.Resume) != 0 ? ulong.MaxValue : Whole80286;
        ulong high = 0;
        if ((s->Efer & Efer.LongModeActive) != 0 && new Descriptor(low).IsSystem)
        {
            // The second half belongs to the descriptor; one that is cut off, or whose type field is not zero, is none.
            const ulong UpperType = 0x1F00UL << 32;
            if (!TryLocate(s, selector, 2 * EntrySize, out _) || !ImplicitAccess.TryRead(s, address + EntrySize, out high) || (high & UpperType) != 0)
            {
                return false;
            }
            high = (uint)high;
        }
        descriptor = new Descriptor(low, high);
        return true;
    }

    /// <summary>Marks a code or data segment as used. False: a page fault is recorded.</summary>
    public static bool TrySetAccessed(CpuState* s, ushort selector, in Descriptor descriptor) =>
        (descriptor.Attributes & Segmentation.Accessed) != 0 || s->UserMode != 0
        || !TryLocate(s, selector, EntrySize, out ulong address)
        || ImplicitAccess.TrySetBits(s, address + AccessByte, Segmentation.Accessed);

    /// <summary>Sets or clears the busy bit of a TSS. False: a page fault is recorded.</summary>
    public static bool TrySetBusy(CpuState* s, ushort selector, bool busy) =>
        !TryLocate(s, selector, EntrySize, out ulong address)
        || (busy
            ? ImplicitAccess.TrySetBits(s, address + AccessByte, SystemType.Busy)
            : ImplicitAccess.TryClearBits(s, address + AccessByte, SystemType.Busy));

    /// <summary>Linear address of a descriptor, if the table reaches that far.</summary>
    static bool TryLocate(CpuState* s, ushort selector, uint size, out ulong address)
    {
        uint offset = (uint)selector & ~7u;
        bool local = IsLocal(selector);
        address = ImplicitAccess.Wrap(s, (local ? s->Ldtr.Base : s->GdtBase) + offset);
        bool isUsable = !local || (s->Ldtr.Attributes & Segmentation.Present) != 0;
        return isUsable && offset + size - 1 <= (local ? s->Ldtr.Limit : s->GdtLimit);
    }
}
