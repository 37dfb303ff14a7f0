using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>INVLPG and INVPCID.</summary>
static unsafe class Translations
{
    const int OneAddress = 0, OneContext = 1, LastType = 3;
    const ulong Pcid = 0xFFF;

    /// <summary>INVLPG: nothing is accessed, so that no segment is checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long InvalidatePage<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        // A large page may be cached in many pieces, so that more than one page has to be forgotten.
        Vcpu.Of(s).Flush(PendingBits.FlushTranslations);
        return Leave.Next(s, op, fuel);
    }

    /// <summary>INVPCID: <see cref="Op.R1"/> holds the type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long InvalidateContext<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        const uint Size = 16;
        byte* p = SlowPath.Read(s, op, TAddress.Linear(s, op, Size, 0), Size);
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        bool is64 = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
        ulong type = is64 ? Access.Get<ulong>(s, op->R1) : Access.Get<uint>(s, op->R1);
        ulong context = Unsafe.ReadUnaligned<ulong>(p), address = Unsafe.ReadUnaligned<ulong>(p + 8);
        bool isValid = type <= LastType
            && (context & ~Pcid) == 0
            && (type is not (OneAddress or OneContext) || context == 0 || (s->Cr4 & Cr4.ProcessContextIds) != 0)
            && (type != OneAddress || SlowPath.IsCanonical(s, address));
        if (!isValid)
        {
            Raise.GeneralProtection(s, 0);
            return Leave.Fault(s, op, fuel);
        }
        Vcpu.Of(s).Flush(PendingBits.FlushTranslations);
        return Leave.Next(s, op, fuel);
    }
}
