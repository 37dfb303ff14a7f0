using System.Runtime.CompilerServices;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>Handlers of the control instructions. Those of the FN forms do not wait: a pending exception stays pending.</summary>
static unsafe class FpuControl
{
    const int Ax = CpuState.GprOffset;
    const ulong WaitTraps = Cr0.MonitorCoprocessor | Cr0.TaskSwitched;

    /// <summary>What the control word becomes when <paramref name="value"/> is loaded: reserved bits are not kept.</summary>
    public static ushort Sanitize(ushort value) => (ushort)((value & FpuControlWord.Writable) | FpuControlWord.AlwaysSet);

    /// <summary>The state after FNINIT and FNSAVE; the contents of the registers stay.</summary>
    public static void Initialize(CpuState* s)
    {
        s->FpuControl = FpuControlWord.Initial;
        s->FpuStatus = 0;
        s->FpuIgnoresError = 0;
        s->FpuTag = 0;
        s->FpuOpcode = 0;
        s->FpuInstructionPointer = 0;
        s->FpuDataPointer = 0;
        s->FpuCs = 0;
        s->FpuDs = 0;
    }

    /// <summary>WAIT. It is the one instruction for which CR0.MP says whether CR0.TS matters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Wait(CpuState* s, Op* op, long fuel)
    {
        if ((s->Cr0 & WaitTraps) == WaitTraps)
        {
            Raise.DeviceNotAvailable(s);
            return Leave.Fault(s, op, fuel);
        }
        if (!FpuInstruction.Begin(s))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNINIT.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Initialize(CpuState* s, Op* op, long fuel)
    {
        Initialize(s);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNCLEX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ClearExceptions(CpuState* s, Op* op, long fuel)
    {
        s->FpuStatus &= FpuStatusWord.TopMask | FpuStatusWord.ConditionCodes;
        s->FpuIgnoresError = 0;
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNENI, FNDISI and FNSETPM, which later coprocessors ignore.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Ignore(CpuState* s, Op* op, long fuel)
    {
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNSTSW AX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreStatusToAx(CpuState* s, Op* op, long fuel)
    {
        Access.Set(s, Ax, s->FpuStatus);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNSTSW m16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreStatus<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryStoreWord<TAddress>(s, op, s->FpuStatus))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNSTCW.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreControl<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryStoreWord<TAddress>(s, op, s->FpuControl))
        {
            return Leave.Fault(s, op, fuel);
        }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FLDCW.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadControl<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!FpuInstruction.Begin(s))
        {
            return Leave.Fault(s, op, fuel);
        }
        byte* p = FpuInstruction.Read<ushort>(s, op, TAddress.Linear(s, op, sizeof(ushort), 0));
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        s->FpuControl = Sanitize(Unsafe.ReadUnaligned<ushort>(p));
        FpuStack.UpdatePending(s);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FNSTENV and FNSAVE.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreImage<TImage, TAddress>(CpuState* s, Op* op, long fuel) where TImage : unmanaged, IFpuImage where TAddress : struct, IAddress
    {
        FpuImage.CheckFirstField<TImage, TAddress>(s, op, AccessKind.Write);
        ulong address = TAddress.LinearForWrite(s, op, (uint)Unsafe.SizeOf<TImage>(), 0);
        FpuImage.Probe<TImage>(s, address, AccessKind.Write);
        byte* p = FpuInstruction.Write<TImage>(s, op, address);
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        FpuImage.Store<TImage>(s, p);
        if (!FpuInstruction.Commit<TImage>(s, op, address, p))
        {
            return Leave.Fault(s, op, fuel);
        }
        FpuImage.AfterStore<TImage>(s);
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>FLDENV and FRSTOR.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long LoadImage<TImage, TAddress>(CpuState* s, Op* op, long fuel) where TImage : unmanaged, IFpuImage where TAddress : struct, IAddress
    {
        if (!FpuInstruction.Begin(s))
        {
            return Leave.Fault(s, op, fuel);
        }
        FpuImage.CheckFirstField<TImage, TAddress>(s, op, AccessKind.Read);
        ulong address = TAddress.Linear(s, op, (uint)Unsafe.SizeOf<TImage>(), 0);
        FpuImage.Probe<TImage>(s, address, AccessKind.Read);
        byte* p = FpuInstruction.Read<TImage>(s, op, address);
        if (p == null)
        {
            return Leave.Fault(s, op, fuel);
        }
        FpuImage.Load<TImage>(s, p);
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryStoreWord<TAddress>(CpuState* s, Op* op, ushort value) where TAddress : struct, IAddress
    {
        ulong address = TAddress.LinearForWrite(s, op, sizeof(ushort), 0);
        byte* p = FpuInstruction.Write<ushort>(s, op, address);
        if (p == null)
        {
            return false;
        }
        Unsafe.WriteUnaligned(p, value);
        return FpuInstruction.Commit<ushort>(s, op, address, p);
    }
}
