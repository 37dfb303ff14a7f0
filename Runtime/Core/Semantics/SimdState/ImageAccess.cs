using System.Runtime.CompilerServices;
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

    /// <summary>The linear address of a save area. A misaligned one faults; then the address is of no use.</summary>
    public static ulong Address<TAddress>(CpuState* s, Op* op, uint size, uint alignment) where TAddress : struct, IAddress
    {
        ulong address = TAddress.Linear(s, op, size, 0);
        if ((address & (alignment - 1)) != 0)
        {
            Raise.GeneralProtection(s, 0);
        }
        return address;
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

    /// <summary>Makes sure that <paramref name="size"/> bytes can be written: the last one may lie in another page. False: a fault is recorded.</summary>
    public static bool TryReserve(CpuState* s, Op* op, ulong address, uint size) =>
        SlowPath.Write(s, op, address, Piece, false) != null && SlowPath.Write(s, op, address + size - Piece, Piece, false) != null;

    /// <summary>Writes <paramref name="size"/> bytes, or none of them. False: a fault is recorded.</summary>
    public static bool TryWrite(CpuState* s, Op* op, ulong address, byte* source, uint size)
    {
        if (!TryReserve(s, op, address, size))
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
