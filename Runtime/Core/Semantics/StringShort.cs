using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// REP MOVS and REP STOS as most of them are: forward, flat segments, all elements in one cached page at either end. Everything else takes <see cref="StringLoops"/>. For copies of a few bytes, that one's
/// general way takes longer than the copy.
/// </summary>
static unsafe class StringShort
{
    /// <summary>Copies all elements. False: not here, and nothing is done.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Move<T>(CpuState* s, Op* op) where T : unmanaged
    {
        ulong width = op->Disp, bytes = Bytes<T>(s, op);
        if (bytes - 1 >= MemoryBlock.PageSize || op->Segment >= CpuState.SegmentOffset)
        {
            return false;
        }
        ulong source = s->Rsi & width, destination = s->Rdi & width;
        TlbEntry* read = Tlb.ReadEntry(s, source), write = Tlb.WriteEntry(s, destination);
        if (read->Tag != ((source + bytes - 1) & Tlb.PageMask) || write->Tag != ((destination + bytes - 1) & Tlb.PageMask)
            || ((source ^ (source + bytes - 1)) | (destination ^ (destination + bytes - 1))) > ~Tlb.PageMask)
        {
            return false;
        }
        byte* from = read->ReadPointer(source), to = write->WritePointer(destination);
        // Forward, a destination that begins inside the source sees what has just been written.
        if ((ulong)(to - from) < bytes)
        {
            return false;
        }
        Copy(to, from, bytes);
        s->Rsi = (source + bytes) & width;
        s->Rdi = (destination + bytes) & width;
        s->Rcx = 0;
        return true;
    }

    /// <summary>Stores all elements. False: not here, and nothing is done.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Store<T>(CpuState* s, Op* op) where T : unmanaged
    {
        ulong width = op->Disp, bytes = Bytes<T>(s, op);
        if (bytes - 1 >= MemoryBlock.PageSize)
        {
            return false;
        }
        ulong destination = s->Rdi & width;
        TlbEntry* write = Tlb.WriteEntry(s, destination);
        if (write->Tag != ((destination + bytes - 1) & Tlb.PageMask) || (destination ^ (destination + bytes - 1)) > ~Tlb.PageMask)
        {
            return false;
        }
        new Span<T>(write->WritePointer(destination), (int)(bytes / (uint)Unsafe.SizeOf<T>())).Fill(Access.Get<T>(s, CpuState.GprOffset));
        s->Rdi = (destination + bytes) & width;
        s->Rcx = 0;
        return true;
    }

    /// <summary>What is to be done in all, or 0: not here. Addresses of 16 bits leave the upper halves of registers alone and segments have limits there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Bytes<T>(CpuState* s, Op* op) where T : unmanaged
    {
        bool isFlat = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 || (s->Mode & CpuMode.FlatSegments) != 0;
        bool isUsual = isFlat & op->Scale != 0 & op->Disp >= uint.MaxValue & (s->Mode & CpuMode.AlignmentCheck) == 0
            & ((s->SystemFlags & SystemFlagBits.Direction) | (uint)s->EndsAfterElement) == 0;
        ulong count = s->Rcx & op->Disp;
        return isUsual && count <= MemoryBlock.PageSize ? count * (uint)Unsafe.SizeOf<T>() : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Copy(byte* to, byte* from, ulong bytes)
    {
        if (bytes > 2 * (ulong)sizeof(Vector128<byte>))
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
        }
        else if (bytes >= (ulong)sizeof(Vector128<byte>))
        {
            // Two pieces that may overlap; both are read first.
            Vector128<byte> first = Vector128.Load(from), last = Vector128.Load(from + bytes - sizeof(Vector128<byte>));
            first.Store(to);
            last.Store(to + bytes - sizeof(Vector128<byte>));
        }
        else if (bytes >= sizeof(ulong))
        {
            ulong first = Unsafe.ReadUnaligned<ulong>(from), last = Unsafe.ReadUnaligned<ulong>(from + bytes - sizeof(ulong));
            Unsafe.WriteUnaligned(to, first);
            Unsafe.WriteUnaligned(to + bytes - sizeof(ulong), last);
        }
        else
        {
            for (ulong i = 0; i < bytes; i++)
            {
                to[i] = from[i];
            }
        }
    }
}
