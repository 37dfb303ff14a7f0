using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>Memory operands that are too long for the scratch buffer: save areas of floating-point and vector state.</summary>
static unsafe class ImageAccess
{
    /// <summary>What is moved at once. Save areas are aligned to 16 bytes at least, so that no piece crosses a page.</summary>
    const uint Piece = 16;

    /// <summary>The linear address of a save area. False: a fault is recorded.</summary>
    public static bool TryAddress<TAddress>(CpuState* s, Op* op, uint size, AccessKind kind, out ulong address) where TAddress : struct, IAddress
    {
        address = kind == AccessKind.Write ? TAddress.LinearForWrite(s, op, size, 0) : TAddress.Linear(s, op, size, 0);
        return s->Fault == FaultCode.None;
    }

    /// <summary>
    /// The address of an operand whose first part is accessed before the rest: the limit for the first part, its alignment when alignment is checked, its page, the limit for the rest, in this
    /// order (measured). False: a fault is recorded.
    /// </summary>
    public static bool TryAddressInParts<TAddress>(CpuState* s, Op* op, uint size, uint first, AccessKind kind, out ulong address) where TAddress : struct, IAddress
    {
        if (TryAddress<TAddress>(s, op, first, kind, out address))
        {
            SlowPath.CheckAlignment(s, address, first);
        }
        ulong lastPage = (address + first - 1) & Tlb.PageMask;
        return s->Fault == FaultCode.None && TryProbe(s, address, kind) && TryProbe(s, Math.Max(address, lastPage), kind) && TryAddress<TAddress>(s, op, size, kind, out address);
    }

    /// <summary>Looks whether a byte can be accessed. False: a page fault is recorded; what is no address is left to the access itself.</summary>
    public static bool TryProbe(CpuState* s, ulong address, AccessKind kind)
    {
        address = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? address : (uint)address;
        if (SlowPath.IsCanonical(s, address))
        {
            SlowPath.Locate(s, address, kind);
        }
        return s->Fault == FaultCode.None;
    }

    /// <summary>Reads <paramref name="size"/> bytes. False: a fault is recorded.</summary>
    public static bool TryRead(CpuState* s, Op* op, ulong address, byte* destination, uint size)
    {
        for (uint done = 0; done < size; done += Piece)
        {
            byte* p = SlowPath.Read(s, op, address + done, Piece);
            if (p == null)
            {
                return false;
            }
            Unsafe.CopyBlockUnaligned(destination + done, p, Piece);
        }
        return true;
    }

    /// <summary>Writes <paramref name="size"/> bytes, or none of them. False: a fault is recorded.</summary>
    public static bool TryWrite(CpuState* s, Op* op, ulong address, byte* source, uint size)
    {
        if (!TryProbe(s, address, AccessKind.Write) || !TryProbe(s, address + size - 1, AccessKind.Write))
        {
            return false;
        }
        for (uint done = 0; done < size; done += Piece)
        {
            byte* p = SlowPath.Write(s, op, address + done, Piece, false);
            if (p == null)
            {
                return false;
            }
            Unsafe.CopyBlockUnaligned(p, source + done, Piece);
            if (p == &s->FirstScratch && !SlowPath.Commit(s, op, address + done, Piece, false))
            {
                return false;
            }
        }
        return true;
    }
}
