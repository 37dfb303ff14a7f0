using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Faults;
using FastVcpu.Memory;
using FastVcpu.State;

namespace FastVcpu.Semantics.X87;

/// <summary>A kind of image; the struct has its size.</summary>
interface IFpuImage
{
    /// <summary>Fields are doublewords, not words.</summary>
    static abstract bool Is32 { get; }

    /// <summary>The registers follow the environment (FSAVE).</summary>
    static abstract bool HasRegisters { get; }
}

/// <summary>FSTENV with 16-bit operand size.</summary>
[StructLayout(LayoutKind.Sequential, Size = 14)]
readonly struct Environment16 : IFpuImage
{
    public static bool Is32 => false;
    public static bool HasRegisters => false;
}

/// <summary>FSTENV with 32-bit operand size.</summary>
[StructLayout(LayoutKind.Sequential, Size = 28)]
readonly struct Environment32 : IFpuImage
{
    public static bool Is32 => true;
    public static bool HasRegisters => false;
}

/// <summary>FSAVE with 16-bit operand size.</summary>
[StructLayout(LayoutKind.Sequential, Size = 94)]
readonly struct State16 : IFpuImage
{
    public static bool Is32 => false;
    public static bool HasRegisters => true;
}

/// <summary>FSAVE with 32-bit operand size.</summary>
[StructLayout(LayoutKind.Sequential, Size = 108)]
readonly struct State32 : IFpuImage
{
    public static bool Is32 => true;
    public static bool HasRegisters => true;
}

/// <summary>The memory image of FSTENV and FSAVE: seven words or doublewords, then the registers (SDM Vol. 1 8.1.10).</summary>
static unsafe class FpuImage
{
    const int Fields = 7;
    const uint OpcodeMask = 0x7FF;
    const int EmptyTag = 3;

    /// <summary>Writes the image.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store<TImage>(CpuState* s, byte* p) where TImage : struct, IFpuImage
    {
        // The unused upper halves of doublewords are ones.
        uint filler = TImage.Is32 ? 0xFFFF0000 : 0;
        uint instruction = (uint)s->FpuInstructionPointer, data = (uint)s->FpuDataPointer, opcode = s->FpuOpcode & OpcodeMask;
        SetField<TImage>(p, 0, s->FpuControl | filler);
        SetField<TImage>(p, 1, s->FpuStatus | filler);
        SetField<TImage>(p, 2, FullTag(s) | filler);
        if (IsRealFormat(s))
        {
            instruction += (uint)s->FpuCs << 4;
            data += (uint)s->FpuDs << 4;
            SetField<TImage>(p, 3, (ushort)instruction | filler);
            SetField<TImage>(p, 4, instruction >> 16 << 12 | opcode);
            SetField<TImage>(p, 5, (ushort)data | filler);
            SetField<TImage>(p, 6, data >> 16 << 12);
        }
        else
        {
            SetField<TImage>(p, 3, instruction);
            SetField<TImage>(p, 4, opcode << 16 | s->FpuCs);
            SetField<TImage>(p, 5, data);
            SetField<TImage>(p, 6, s->FpuDs | filler);
        }
        for (int i = 0; TImage.HasRegisters && i < 8; i++)
        {
            FpuStack.Get(s, i).Write(RegisterField<TImage>(p, i));
        }
    }

    /// <summary>What a store does once it is certain: FNSTENV masks all exceptions, FNSAVE initialises.</summary>
    public static void AfterStore<TImage>(CpuState* s) where TImage : struct, IFpuImage
    {
        if (TImage.HasRegisters)
        {
            FpuControl.Initialize(s);
            return;
        }
        s->FpuControl |= FpuStatusWord.Exceptions;
        FpuStack.UpdatePending(s);
    }

    /// <summary>Reads an image.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Load<TImage>(CpuState* s, byte* p) where TImage : struct, IFpuImage
    {
        s->FpuControl = FpuControl.Sanitize((ushort)Field<TImage>(p, 0));
        s->FpuStatus = (ushort)Field<TImage>(p, 1);
        s->FpuTag = AbridgedTag((int)Field<TImage>(p, 2));
        uint instruction = Field<TImage>(p, 3), code = Field<TImage>(p, 4), data = Field<TImage>(p, 5), segment = Field<TImage>(p, 6);
        if (IsRealFormat(s))
        {
            instruction = (ushort)instruction | code >> 12 << 16;
            data = (ushort)data | segment >> 12 << 16;
        }
        s->FpuInstructionPointer = instruction;
        s->FpuDataPointer = data;
        s->FpuOpcode = (ushort)((IsRealFormat(s) ? code : code >> 16) & OpcodeMask);
        s->FpuCs = IsRealFormat(s) ? (ushort)0 : (ushort)code;
        s->FpuDs = IsRealFormat(s) ? (ushort)0 : (ushort)segment;
        FpuStack.UpdatePending(s);
        int top = s->FpuStatus >> FpuStatusWord.TopShift;
        for (int i = 0; TImage.HasRegisters && i < 8; i++)
        {
            Float80.Read(RegisterField<TImage>(p, i)).Write(FpuStack.Location(s, (top + i) & 7));
        }
    }

    /// <summary>Records the fault that the first field has by itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CheckFirstField<TImage, TAddress>(CpuState* s, Op* op, AccessKind kind) where TImage : unmanaged, IFpuImage where TAddress : struct, IAddress =>
        ImageAccess.TryAddressInParts<TAddress>(s, op, (uint)sizeof(TImage), FieldSize<TImage>(), kind, out _);

    /// <summary>Records the page fault of an image that reaches into a second page: after the first field the last byte is looked at.</summary>
    public static void Probe<TImage>(CpuState* s, ulong address, AccessKind kind) where TImage : unmanaged, IFpuImage
    {
        uint field = FieldSize<TImage>();
        ulong first = address + field - 1, last = address + (uint)sizeof(TImage) - 1;
        bool isMisaligned = (s->Mode & CpuMode.AlignmentCheck) != 0 && (address & (field - 1)) != 0;
        bool isDecidedEarlier = isMisaligned || !SlowPath.IsCanonical(s, last) || ((address ^ first) & Tlb.PageMask) != 0;
        if (((address ^ last) & Tlb.PageMask) != 0 && !isDecidedEarlier && s->Fault == FaultCode.None && SlowPath.Locate(s, address, kind) != null)
        {
            SlowPath.Locate(s, (s->Mode & CpuMode.CodeSizeMask) == CpuMode.Code64 ? last : (uint)last, kind);
        }
    }

    /// <summary>Real and virtual-8086 mode keep linear addresses instead of selector and offset.</summary>
    static bool IsRealFormat(CpuState* s) => (s->Mode & (CpuMode.Protected | CpuMode.Virtual8086)) != CpuMode.Protected;

    static void SetField<TImage>(byte* p, int index, uint value) where TImage : struct, IFpuImage
    {
        if (TImage.Is32)
        {
            Unsafe.WriteUnaligned(p + sizeof(uint) * index, value);
        }
        else
        {
            Unsafe.WriteUnaligned(p + sizeof(ushort) * index, (ushort)value);
        }
    }

    static uint Field<TImage>(byte* p, int index) where TImage : struct, IFpuImage =>
        TImage.Is32 ? Unsafe.ReadUnaligned<uint>(p + sizeof(uint) * index) : Unsafe.ReadUnaligned<ushort>(p + sizeof(ushort) * index);

    static byte* RegisterField<TImage>(byte* p, int i) where TImage : struct, IFpuImage =>
        p + Fields * FieldSize<TImage>() + i * Float80.Size;

    static uint FieldSize<TImage>() where TImage : struct, IFpuImage => TImage.Is32 ? (uint)sizeof(uint) : sizeof(ushort);

    /// <summary>Two bits for each physical register: valid, zero, special or empty, computed from the contents.</summary>
    static uint FullTag(CpuState* s)
    {
        int tag = 0;
        for (int i = 0; i < 8; i++)
        {
            Float80 value = Float80.Read(FpuStack.Location(s, i));
            bool isEmpty = (s->FpuTag >> i & 1) == 0;
            tag |= (isEmpty ? EmptyTag : value.IsNormal ? 0 : value.IsZero ? 1 : 2) << (2 * i);
        }
        return (uint)tag;
    }

    static byte AbridgedTag(int full)
    {
        int abridged = 0;
        for (int i = 0; i < 8; i++)
        {
            abridged |= (full >> (2 * i) & EmptyTag) != EmptyTag ? 1 << i : 0;
        }
        return (byte)abridged;
    }
}
