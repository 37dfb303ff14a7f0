using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu.Semantics;

/// <summary>
/// The image of XSAVE (SDM Vol. 1 13.4): the FXSAVE image, a header, the upper halves of the YMM registers. With AVX as the only component behind the
/// header the compact format has it at the same place.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
unsafe struct ExtendedImage
{
    public const int HeaderOffset = LegacyImage.Size, HeaderSize = 64, UpperHalvesOffset = HeaderOffset + HeaderSize, Size = UpperHalvesOffset + VectorCount * 16;
    public const int Alignment = 64, VectorCount = 16;

    /// <summary>Bit 63 of XCOMP_BV.</summary>
    public const ulong Compact = 1UL << 63;

    /// <summary>The components that MXCSR goes with.</summary>
    public const ulong HasMxcsr = Xcr0.Sse | Xcr0.Avx;

    [FieldOffset(0)] public LegacyImage Legacy;
    /// <summary>XSTATE_BV: components that the image holds; the others are in their initial state.</summary>
    [FieldOffset(HeaderOffset)] public ulong Present;
    /// <summary>XCOMP_BV: 0 in the standard format.</summary>
    [FieldOffset(HeaderOffset + 8)] public ulong Layout;
    [FieldOffset(HeaderOffset + 16)] public ulong FirstReserved;
    [FieldOffset(UpperHalvesOffset)] public byte FirstUpperHalf;

    /// <summary>Bytes of an image with these components.</summary>
    public static uint SizeOf(ulong components) => (components & Xcr0.Avx) != 0 ? Size : (uint)UpperHalvesOffset;

    /// <summary>Components that are not in their initial state (XINUSE).</summary>
    public static ulong InUse(CpuState* s)
    {
        bool isX87 = s->FpuControl != FpuControlWord.Initial || s->FpuStatus != 0 || s->FpuTag != 0
            || (s->FpuInstructionPointer | s->FpuDataPointer | s->FpuOpcode | s->FpuCs | s->FpuDs) != 0
            || new ReadOnlySpan<byte>(&s->FirstFpr, 8 * 16).ContainsAnyExcept((byte)0);
        ulong sse = 0, avx = 0;
        for (int i = 0; i < VectorCount; i++)
        {
            ulong* register = (ulong*)(&s->FirstVector + i * CpuState.VectorSize);
            sse |= register[0] | register[1];
            avx |= register[2] | register[3];
        }
        return (isX87 ? Xcr0.X87 : 0) | (sse != 0 ? Xcr0.Sse : 0) | (avx != 0 ? Xcr0.Avx : 0);
    }

    /// <summary>Fills in components of the state.</summary>
    public void Save(CpuState* s, ulong components, int vectors, bool wide)
    {
        if ((components & Xcr0.X87) != 0)
        {
            Legacy.SaveX87(s, wide);
        }
        if ((components & Xcr0.Sse) != 0)
        {
            Legacy.SaveVectors(s, vectors);
        }
        if ((components & Xcr0.Avx) != 0)
        {
            for (int i = 0; i < vectors; i++)
            {
                Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref FirstUpperHalf, i * 16), ref *UpperHalf(s, i), 16);
            }
        }
    }

    /// <summary>Loads components of the state; those that are not <see cref="Present"/> get their initial values.</summary>
    public void Restore(CpuState* s, ulong components, int vectors, bool wide)
    {
        ulong absent = components & ~Present;
        if ((components & Xcr0.X87) != 0)
        {
            LegacyImage source = (absent & Xcr0.X87) != 0 ? new LegacyImage { Control = FpuControlWord.Initial } : Legacy;
            source.RestoreX87(s, wide);
        }
        if ((components & Xcr0.Sse) != 0)
        {
            LegacyImage source = (absent & Xcr0.Sse) != 0 ? default : Legacy;
            source.RestoreVectors(s, vectors);
        }
        if ((components & Xcr0.Avx) != 0)
        {
            for (int i = 0; i < vectors; i++)
            {
                Unsafe.InitBlockUnaligned(UpperHalf(s, i), 0, 16);
                if ((absent & Xcr0.Avx) == 0)
                {
                    Unsafe.CopyBlockUnaligned(ref *UpperHalf(s, i), ref Unsafe.Add(ref FirstUpperHalf, i * 16), 16);
                }
            }
        }
    }

    /// <summary>The header can be restored with these components enabled.</summary>
    public readonly bool IsValid(ulong enabled)
    {
        if ((Layout & Compact) == 0)
        {
            // The rest of the header does not matter here.
            return (Present & ~enabled) == 0 && (Layout | FirstReserved) == 0;
        }
        bool isReservedZero = true;
        fixed (ulong* reserved = &FirstReserved)
        {
            for (int i = 0; i < (HeaderSize - 16) / sizeof(ulong); i++)
            {
                isReservedZero &= reserved[i] == 0;
            }
        }
        return isReservedZero && (Layout & ~Compact & ~enabled) == 0 && (Present & ~Layout) == 0;
    }

    static byte* UpperHalf(CpuState* s, int number) => &s->FirstVector + number * CpuState.VectorSize + 16;
}
