using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>Handlers of loads and stores.</summary>
static unsafe class FpuTransfer
{
    /// <summary>Both bits of the rounding mode: toward zero.</summary>
    const int TowardZero = 3 << FpuControlWord.RoundingShift;

    /// <summary>Pushes a memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Load<TFormat, TAddress>(CpuState* s, Op* op, long fuel) where TFormat : unmanaged, IFpuFormat where TAddress : struct, IAddress
    {
        if (!FpuInstruction.Begin(s))
        {
            return Leave.Fault(s, op, fuel);
        }
        ulong address = TAddress.Linear(s, op, (uint)Unsafe.SizeOf<TFormat>(), 0);
        byte* p = FpuInstruction.Read<TFormat>(s, op, address);
        if (p == null)
        {
            LookAtFirstPart<TFormat, TAddress>(s, op, address, AccessKind.Read);
            return Leave.Fault(s, op, fuel);
        }
        FpuInstruction.Record<TAddress>(s, op);
        PushFrom<TFormat>(s, p);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Stores ST(0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Store<TFormat, TPop, TAddress>(CpuState* s, Op* op, long fuel)
        where TFormat : unmanaged, IFpuFormat where TPop : struct, IPop where TAddress : struct, IAddress
    {
        if (!TryStore<TFormat, TAddress>(s, op, s->FpuControl, TPop.Count != 0))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>Stores ST(0) as an integer, rounded toward zero whatever the control word says, and pops (FISTTP).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Truncate<TFormat, TAddress>(CpuState* s, Op* op, long fuel)
        where TFormat : unmanaged, IFpuFormat where TAddress : struct, IAddress
    {
        if (!TryStore<TFormat, TAddress>(s, op, s->FpuControl | TowardZero, pops: true))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryStore<TFormat, TAddress>(CpuState* s, Op* op, int control, bool pops)
        where TFormat : unmanaged, IFpuFormat where TAddress : struct, IAddress
    {
        if (!FpuInstruction.Begin(s))
        {
            return false;
        }
        ulong address = TAddress.LinearForWrite(s, op, (uint)Unsafe.SizeOf<TFormat>(), 0);
        byte* p = FpuInstruction.Write<TFormat>(s, op, address);
        if (p == null)
        {
            LookAtFirstPart<TFormat, TAddress>(s, op, address, AccessKind.Write);
            return false;
        }
        ushort status = s->FpuStatus;
        byte tag = s->FpuTag;
        StoreTo<TFormat>(s, p, control, pops);
        if (!FpuInstruction.Commit<TFormat>(s, op, address, p))
        {
            s->FpuStatus = status;
            s->FpuTag = tag;
            return false;
        }
        FpuInstruction.Record<TAddress>(s, op);
        return true;
    }

    /// <summary>Of ten bytes, the first eight are accessed before the limit for the others is looked at (measured): they may have a fault of their own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void LookAtFirstPart<TFormat, TAddress>(CpuState* s, Op* op, ulong address, AccessKind kind) where TFormat : unmanaged, IFpuFormat where TAddress : struct, IAddress
    {
        if (Unsafe.SizeOf<TFormat>() > sizeof(ulong) && Segmentation.IsNowhere(address))
        {
            (int fault, uint errorCode) = (s->Fault, s->FaultErrorCode);
            s->Fault = FaultCode.None;
            if (ImageAccess.TryAddressInParts<TAddress>(s, op, (uint)Unsafe.SizeOf<TFormat>(), sizeof(ulong), kind, out _))
            {
                (s->Fault, s->FaultErrorCode) = (fault, errorCode);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void PushFrom<TFormat>(CpuState* s, byte* p) where TFormat : unmanaged, IFpuFormat
    {
        if (!FpuStack.IsEmpty(s, -1))
        {
            if (FpuStack.Overflow(s))
            {
                FpuStack.Push(s, Float80.Indefinite);
            }
            return;
        }
        FpuContext c = new(s->FpuControl);
        Float80 value = TFormat.Load(ref c, p);
        if (value.IsNormal && !c.HasDenormalSource)
        {
            FpuStack.PushClearing(s, value);
            return;
        }
        if (typeof(TFormat) != typeof(Extended80))
        {
            if (NanRules.Decide(ref c, value, out Float80 nan))
            {
                value = nan;
            }
            c.NoteDenormal(value);
        }
        // A denormal is pushed even when its exception is not masked.
        FpuStack.Report(s, c.Exceptions, c1: false);
        if ((c.Exceptions & ~s->FpuControl & FpuStatusWord.InvalidOperation) == 0)
        {
            FpuStack.Push(s, value);
        }
    }

    static void StoreTo<TFormat>(CpuState* s, byte* p, int control, bool pops) where TFormat : unmanaged, IFpuFormat
    {
        FpuContext c = new(control);
        Float80 image;
        if (FpuStack.IsEmpty(s, 0))
        {
            if (!FpuStack.Underflow(s))
            {
                return;
            }
            image = TFormat.Convert(ref c, Float80.Indefinite);
        }
        else
        {
            image = TFormat.Convert(ref c, FpuStack.Get(s, 0));
            if (!FpuStack.CompleteStore(s, c))
            {
                return;
            }
        }
        WriteImage<TFormat>(p, image);
        if (pops)
        {
            FpuStack.Pop(s);
        }
    }

    /// <summary>Writes the bytes that the format has.</summary>
    static void WriteImage<TFormat>(byte* p, Float80 image) where TFormat : unmanaged, IFpuFormat
    {
        switch (Unsafe.SizeOf<TFormat>())
        {
            case sizeof(ushort):
                Unsafe.WriteUnaligned(p, (ushort)image.Significand);
                break;
            case sizeof(uint):
                Unsafe.WriteUnaligned(p, (uint)image.Significand);
                break;
            case sizeof(ulong):
                Unsafe.WriteUnaligned(p, image.Significand);
                break;
            default:
                image.Write(p);
                break;
        }
    }
}
