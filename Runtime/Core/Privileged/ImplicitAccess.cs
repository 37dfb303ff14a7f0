using System.Runtime.CompilerServices;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Privileged;

/// <summary>
/// Accesses that the processor makes by itself: to descriptor tables and task-state segments, with supervisor rights at every privilege level
/// (SDM Vol. 3 4.6), and to the stacks of far transfers. What is in no memory reads as ones; a write to it goes nowhere.
/// </summary>
static unsafe class ImplicitAccess
{
    /// <summary>Reads a value of at most 8 bytes. False: a fault is recorded.</summary>
    public static bool TryRead<T>(CpuState* s, ulong address, out T value, TlbSet set = TlbSet.Supervisor) where T : unmanaged
    {
        uint size = (uint)Unsafe.SizeOf<T>();
        ulong buffer = 0;
        bool done = IsAddress(s, address, size) && TryPiece(s, set, address, FirstPart(address, size), (byte*)&buffer)
            && (FirstPart(address, size) == size
                || TryPiece(s, set, Wrap(s, address + FirstPart(address, size)), size - FirstPart(address, size), (byte*)&buffer + FirstPart(address, size)));
        value = Unsafe.ReadUnaligned<T>(&buffer);
        return done;
    }

    /// <summary>Writes a value. False: a fault is recorded and nothing has been written.</summary>
    public static bool TryWrite<T>(CpuState* s, ulong address, T value, TlbSet set = TlbSet.Supervisor) where T : unmanaged
    {
        uint size = (uint)Unsafe.SizeOf<T>(), first = FirstPart(address, size);
        ulong second = Wrap(s, address + first);
        if (!IsAddress(s, address, size))
        {
            return false;
        }
        byte* p1 = SlowPath.Locate(s, set, address, AccessKind.Write);
        byte* p2 = first == size || s->Fault != FaultCode.None ? null : SlowPath.Locate(s, set, second, AccessKind.Write);
        if (s->Fault != FaultCode.None)
        {
            return false;
        }
        Put(s, set, address, p1, (byte*)&value, first);
        Put(s, set, second, p2, (byte*)&value + first, size - first);
        return true;
    }

    /// <summary>True when a range of at most one page could be written; otherwise a fault is recorded.</summary>
    public static bool CanWrite(CpuState* s, ulong address, uint size, TlbSet set = TlbSet.Supervisor)
    {
        SlowPath.Locate(s, set, address, AccessKind.Write);
        if (s->Fault == FaultCode.None && FirstPart(address, size) < size)
        {
            SlowPath.Locate(s, set, Wrap(s, address + size - 1), AccessKind.Write);
        }
        return s->Fault == FaultCode.None;
    }

    /// <summary>Sets bits of a byte, atomically. False: a fault is recorded.</summary>
    public static bool TrySetBits(CpuState* s, ulong address, byte bits) => TryUpdate(s, address, bits, bits);

    /// <summary>Clears bits of a byte, atomically. False: a fault is recorded.</summary>
    public static bool TryClearBits(CpuState* s, ulong address, byte bits) => TryUpdate(s, address, bits, 0);

    /// <summary>Addresses of descriptor tables and task-state segments wrap at 4 GiB outside long mode.</summary>
    public static ulong Wrap(CpuState* s, ulong address) => (s->Efer & Efer.LongModeActive) != 0 ? address : (uint)address;

    static bool TryUpdate(CpuState* s, ulong address, byte mask, byte value)
    {
        byte* p = SlowPath.Locate(s, TlbSet.Supervisor, address, AccessKind.Write);
        if (p == null)
        {
            return s->Fault == FaultCode.None;
        }
        SlowPath.NoteWrite(s, TlbSet.Supervisor, address, 1);
        byte old;
        do
        {
            old = *p;
        }
        while (!Atomic.TryExchange(p, old, (byte)(old & ~mask | value)));
        return true;
    }

    static bool TryPiece(CpuState* s, TlbSet set, ulong address, uint size, byte* destination)
    {
        byte* p = SlowPath.Locate(s, set, address, AccessKind.Read);
        if (p != null)
        {
            Unsafe.CopyBlockUnaligned(destination, p, size);
        }
        else
        {
            Unsafe.InitBlockUnaligned(destination, 0xFF, size);
        }
        return s->Fault == FaultCode.None;
    }

    static void Put(CpuState* s, TlbSet set, ulong address, byte* destination, byte* source, uint size)
    {
        if (destination != null && size != 0)
        {
            SlowPath.NoteWrite(s, set, address, size);
            Unsafe.CopyBlockUnaligned(destination, source, size);
        }
    }

    static bool IsAddress(CpuState* s, ulong address, uint size)
    {
        if (SlowPath.IsCanonical(s, address) && SlowPath.IsCanonical(s, Wrap(s, address + size - 1)))
        {
            return true;
        }
        Raise.GeneralProtection(s, 0);
        return false;
    }

    /// <summary>How many of the bytes lie in the first page.</summary>
    static uint FirstPart(ulong address, uint size) => (uint)Math.Min(size, MemoryBlock.PageSize - (address & ~Tlb.PageMask));
}
