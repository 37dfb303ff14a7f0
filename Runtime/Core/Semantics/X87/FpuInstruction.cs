using System.Runtime.CompilerServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>What x87 handlers have in common: pending exceptions, instruction and data pointers, memory operands.</summary>
/// <remarks>The decoder puts the low three bits of the opcode and the ModRM byte into <see cref="Op.Imm"/>, which is what FOP holds.</remarks>
static unsafe class FpuInstruction
{
    /// <summary>The i of ST(i).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int StackIndex(Op* op) => (int)op->Imm & 7;

    /// <summary>Begins a waiting instruction. False: an unmasked exception of an earlier one is reported first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Begin(CpuState* s)
    {
        if (FpuStack.HasError(s))
        {
            Raise.Exception(s, FaultCode.FloatingPoint, 0);
            return false;
        }
        return true;
    }

    /// <summary>Notes which instruction was the last that is not a control instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Record(CpuState* s, Op* op)
    {
        s->FpuInstructionPointer = op->Rip;
        s->FpuOpcode = (ushort)op->Imm;
        s->FpuCs = s->Cs.Selector;
    }

    /// <summary>Begins a waiting instruction on registers and notes it as the last one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool BeginRegister(CpuState* s, Op* op)
    {
        if (!Begin(s))
        {
            return false;
        }
        Record(s, op);
        return true;
    }

    /// <summary>Notes the instruction and its memory operand, once the access can no longer fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Record<TAddress>(CpuState* s, Op* op) where TAddress : struct, IAddress
    {
        Record(s, op);
        s->FpuDataPointer = TAddress.Effective(s, op, 0);
        s->FpuDs = (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? (ushort)0 : DataSelector(s, op);
    }

    static ushort DataSelector(CpuState* s, Op* op) => op->Segment switch
    {
        CpuState.ZeroOffset => s->Ds.Selector,
        CpuState.ZeroStackOffset => s->Ss.Selector,
        _ => ((SegmentCache*)((byte*)s + op->Segment))->Selector,
    };

    /// <summary>Where to read an operand; null with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read<T>(CpuState* s, Op* op, ulong address) where T : unmanaged
    {
        byte* p = (s->Mode & CpuMode.AlignmentCheck) == 0 ? Tlb.Read<T>(s, address) : null;
        return p != null ? p : SlowPath.Read(s, op, address, (uint)Unsafe.SizeOf<T>());
    }

    /// <summary>Where to write an operand, as <see cref="Read"/>; the store has to be followed by <see cref="Commit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write<T>(CpuState* s, Op* op, ulong address) where T : unmanaged
    {
        byte* p = (s->Mode & CpuMode.AlignmentCheck) == 0 ? Tlb.Write<T>(s, address) : null;
        return p != null ? p : SlowPath.Write(s, op, address, (uint)Unsafe.SizeOf<T>(), false);
    }

    /// <summary>Ends a write. False: it did not complete and the fault is recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Commit<T>(CpuState* s, Op* op, ulong address, byte* p) where T : unmanaged =>
        p != &s->FirstScratch || SlowPath.Commit(s, op, address, (uint)Unsafe.SizeOf<T>(), false);
}
