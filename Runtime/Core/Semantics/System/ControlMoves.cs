using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Privileged.Registers;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>MOV to and from control and debug registers, and the instructions on single bits of CR0 and RFLAGS.</summary>
static unsafe class ControlMoves
{
    /// <summary>MOV from CRn: <see cref="Op.R1"/> is the general register, <see cref="Op.R2"/> the number. 64 bits in 64-bit mode, else 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long FromControl(CpuState* s, Op* op, long fuel)
    {
        ulong value = op->R2 switch { 0 => s->Cr0, 2 => s->Cr2, 3 => s->Cr3, 4 => s->Cr4, _ => s->Cr8 };
        return Finish(s, op, fuel, op->R1, value);
    }

    /// <summary>MOV to CRn: <see cref="Op.R1"/> is the number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ToControl(CpuState* s, Op* op, long fuel)
    {
        ulong value = Operand(s, op->R2);
        bool done = op->R1 switch
        {
            0 => ControlRegisters.TryLoadCr0(s, value),
            2 => TryLoadCr2(s, value),
            3 => ControlRegisters.TryLoadCr3(s, value),
            4 => ControlRegisters.TryLoadCr4(s, value),
            _ => ControlRegisters.TryLoadCr8(s, value),
        };
        return done ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);
    }

    /// <summary>MOV from DRn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long FromDebug(CpuState* s, Op* op, long fuel)
    {
        if (!DebugRegisterAccess.TryRead(s, op->R2, out ulong value))
        {
            return Leave.Fault(s, op, fuel);
        }
        return Finish(s, op, fuel, op->R1, value);
    }

    /// <summary>MOV to DRn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ToDebug(CpuState* s, Op* op, long fuel) =>
        DebugRegisterAccess.TryWrite(s, op->R1, Operand(s, op->R2)) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    public static void ClearTaskSwitched(CpuState* s) => ControlRegisters.ClearTaskSwitched(s);

    public static void LoadMachineStatus(CpuState* s, ushort value) => ControlRegisters.TryLoadMachineStatus(s, value);

    /// <summary>SMSW.</summary>
    public static T StoreMachineStatus<T>(CpuState* s) where T : unmanaged
    {
        DescriptorRegisters.CheckUserAccess(s);
        return Bits.Truncate<T>(s->Cr0);
    }

    /// <summary>SMSW to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long StoreMachineStatusTo<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress =>
        DescriptorRegisters.TryStoreWord<TAddress>(s, op, (ushort)s->Cr0) ? Leave.Next(s, op, fuel) : Leave.Fault(s, op, fuel);

    /// <summary>CLAC.</summary>
    public static void ClearAccess(CpuState* s) => SetAlignmentCheck(s, false);

    /// <summary>STAC.</summary>
    public static void SetAccess(CpuState* s) => SetAlignmentCheck(s, true);

    static void SetAlignmentCheck(CpuState* s, bool value)
    {
        if (s->Cpl != 0)
        {
            Raise.InvalidOpcode(s);
            return;
        }
        s->SystemFlags = s->SystemFlags & ~SystemFlagBits.AlignmentCheck | (value ? SystemFlagBits.AlignmentCheck : 0);
    }

    static bool TryLoadCr2(CpuState* s, ulong value)
    {
        s->Cr2 = value;
        return true;
    }

    static ulong Operand(CpuState* s, int offset) => Is64(s) ? Access.Get<ulong>(s, offset) : Access.Get<uint>(s, offset);

    static long Finish(CpuState* s, Op* op, long fuel, int offset, ulong value)
    {
        Access.Set(s, offset, Is64(s) ? value : (uint)value);
        return Leave.Next(s, op, fuel);
    }

    static bool Is64(CpuState* s) => (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64;
}
