using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>The 512-byte image of FXSAVE and FXRSTOR (SDM Vol. 1 table 10-2).</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
unsafe struct LegacyImage
{
    public const int Size = 512, RegistersOffset = 32, VectorsOffset = 160;

    const int Alignment = 16, FieldSize = sizeof(uint);

    /// <summary>Bytes that FXSAVE writes; the rest of the area belongs to software.</summary>
    const int WrittenSize = VectorsOffset + 16 * 16;

    /// <summary>FSW.ES: an unmasked x87 exception is pending. Only then does an AMD processor save where it came from.</summary>
    const ushort ErrorSummary = 0x80;

    [FieldOffset(0)] public ushort Control;
    [FieldOffset(2)] public ushort Status;
    [FieldOffset(4)] public byte Tag;
    [FieldOffset(6)] public ushort Opcode;
    [FieldOffset(8)] public ulong InstructionPointer;
    [FieldOffset(12)] public ushort CodeSegment;
    [FieldOffset(16)] public ulong DataPointer;
    [FieldOffset(20)] public ushort DataSegment;
    [FieldOffset(24)] public uint Mxcsr;
    [FieldOffset(28)] public uint MxcsrMask;
    [FieldOffset(RegistersOffset)] public byte FirstRegister;
    [FieldOffset(VectorsOffset)] public byte FirstVector;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Save<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TrySave<TAddress>(s, op, false)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Save64<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TrySave<TAddress>(s, op, true)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Restore<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryRestore<TAddress>(s, op, false)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Restore64<TAddress>(CpuState* s, Op* op, long fuel) where TAddress : struct, IAddress
    {
        if (!TryRestore<TAddress>(s, op, true)) { return Leave.Fault(s, op, fuel); }
        op++;
        return op->Handler(s, op, fuel);
    }

    /// <summary>
    /// The address of an image. False: a fault is recorded. What is looked at, in this order (measured): the limit for the first field, the alignment of that when alignment is checked, the
    /// alignment of the image, the limit for the rest, the page of the last byte, that of the first.
    /// </summary>
    static bool TryAddress<TAddress>(CpuState* s, Op* op, AccessKind kind, out ulong address) where TAddress : struct, IAddress
    {
        if (!ImageAccess.TryAddress<TAddress>(s, op, FieldSize, kind, out address))
        {
            return false;
        }
        SlowPath.CheckAlignment(s, address, FieldSize);
        if (s->Fault == FaultCode.None && (address & (Alignment - 1)) != 0)
        {
            Raise.GeneralProtection(s, 0);
        }
        return s->Fault == FaultCode.None && ImageAccess.TryAddress<TAddress>(s, op, Size, kind, out address)
            && ImageAccess.TryProbe(s, address + Size - 1, kind) && ImageAccess.TryProbe(s, address, kind);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TrySave<TAddress>(CpuState* s, Op* op, bool wide) where TAddress : struct, IAddress
    {
        LegacyImage image;
        if (!TryAddress<TAddress>(s, op, AccessKind.Write, out ulong address) || !ImageAccess.TryRead(s, op, address, (byte*)&image, WrittenSize))
        {
            return false;
        }
        image.SaveX87(s, wide);
        image.SaveMxcsr(s);
        image.SaveVectors(s, VectorCount(s));
        return ImageAccess.TryWrite(s, op, address, (byte*)&image, WrittenSize);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool TryRestore<TAddress>(CpuState* s, Op* op, bool wide) where TAddress : struct, IAddress
    {
        LegacyImage image;
        if (!TryAddress<TAddress>(s, op, AccessKind.Read, out ulong address) || !ImageAccess.TryRead(s, op, address, (byte*)&image, Size))
        {
            return false;
        }
        if ((image.Mxcsr & ~Semantics.Mxcsr.Writable) != 0)
        {
            Raise.GeneralProtection(s, 0);
            return false;
        }
        image.RestoreX87(s, wide);
        s->Mxcsr = image.Mxcsr;
        image.RestoreVectors(s, VectorCount(s));
        return true;
    }

    /// <summary>XMM registers that the mode has.</summary>
    public static int VectorCount(CpuState* s) => (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? 16 : 8;

    /// <summary>Fills in the x87 part. <paramref name="wide"/>: pointers of 64 bits instead of 32 with a selector.</summary>
    public void SaveX87(CpuState* s, bool wide)
    {
        Control = s->FpuControl;
        Status = s->FpuStatus;
        Tag = s->FpuTag;
        bool pending = (s->FpuStatus & ErrorSummary) != 0;
        Opcode = pending ? s->FpuOpcode : (ushort)0;
        InstructionPointer = pending ? Pointer(s->FpuInstructionPointer, s->FpuCs, wide) : 0;
        DataPointer = pending ? Pointer(s->FpuDataPointer, s->FpuDs, wide) : 0;
        fixed (byte* registers = &FirstRegister)
        {
            for (int i = 0; i < 8; i++)
            {
                byte* register = &s->FirstFpr + (Top(s) + i & 7) * 16;
                *(ulong*)(registers + i * 16) = *(ulong*)register;
                *(ulong*)(registers + i * 16 + 8) = *(ushort*)(register + 8);
            }
        }
    }

    /// <summary>Loads the x87 part.</summary>
    public readonly void RestoreX87(CpuState* s, bool wide)
    {
        // Reserved bits of FCW read as zero but for bit 6; ES and B follow from the exceptions and their masks.
        s->FpuControl = (ushort)(Control & 0x1F3F | 0x40);
        s->FpuStatus = Status;
        FpuStack.UpdatePending(s);
        s->FpuTag = Tag;
        s->FpuOpcode = (ushort)(Opcode & 0x7FF);
        s->FpuInstructionPointer = wide ? InstructionPointer : (uint)InstructionPointer;
        s->FpuDataPointer = wide ? DataPointer : (uint)DataPointer;
        s->FpuCs = wide ? (ushort)0 : CodeSegment;
        s->FpuDs = wide ? (ushort)0 : DataSegment;
        fixed (byte* registers = &FirstRegister)
        {
            for (int i = 0; i < 8; i++)
            {
                Unsafe.CopyBlockUnaligned(&s->FirstFpr + (Top(s) + i & 7) * 16, registers + i * 16, 10);
            }
        }
    }

    /// <summary>Fills in MXCSR and the mask of its bits.</summary>
    public void SaveMxcsr(CpuState* s)
    {
        Mxcsr = s->Mxcsr;
        MxcsrMask = Semantics.Mxcsr.Writable;
    }

    /// <summary>Fills in XMM registers.</summary>
    public void SaveVectors(CpuState* s, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref FirstVector, i * 16), ref *(&s->FirstVector + i * CpuState.VectorSize), 16);
        }
    }

    /// <summary>Loads XMM registers.</summary>
    public void RestoreVectors(CpuState* s, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Unsafe.CopyBlockUnaligned(ref *(&s->FirstVector + i * CpuState.VectorSize), ref Unsafe.Add(ref FirstVector, i * 16), 16);
        }
    }

    static int Top(CpuState* s) => s->FpuStatus >> 11 & 7;

    static ulong Pointer(ulong offset, ushort selector, bool wide) => wide ? offset : (uint)offset | (ulong)selector << 32;
}
