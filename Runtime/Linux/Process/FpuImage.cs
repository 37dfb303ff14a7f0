using System.Buffers.Binary;

namespace FastVcpu.Linux.Process;

/// <summary>The FXSAVE image of a CPU, and behind it the XSAVE header and the upper halves of the YMM registers on a CPU with AVX.</summary>
static class FpuImage
{
    public const int LegacySize = 512;
    const int HeaderSize = 64, UpperHalvesSize = 256, MagicSize = 4;
    const int StackOffset = 32, VectorOffset = 160, SoftwareOffset = 464;

    /// <summary>What the kernel puts into the part of the image that belongs to software (arch/x86/include/uapi/asm/sigcontext.h).</summary>
    const uint Magic1 = 0x46505853, Magic2 = 0x46505845;

    const ulong LegacyFeatures = 3, AvxFeature = 4;
    const uint MxcsrMask = 0xFFFF;

    /// <summary>Bytes of the image of a CPU.</summary>
    public static int Size(CpuModel model) => model.Has(CpuFeature.Avx) ? LegacySize + HeaderSize + UpperHalvesSize + MagicSize : LegacySize;

    /// <summary>Writes the image.</summary>
    public static void Save(Vcpu cpu, Span<byte> image)
    {
        image.Clear();
        FpuState fpu = cpu.Fpu;
        BinaryPrimitives.WriteUInt16LittleEndian(image, fpu.ControlWord);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], fpu.StatusWord);
        image[4] = fpu.AbridgedTag;
        BinaryPrimitives.WriteUInt16LittleEndian(image[6..], fpu.LastOpcode);
        BinaryPrimitives.WriteUInt64LittleEndian(image[8..], fpu.LastInstructionPointer);
        BinaryPrimitives.WriteUInt64LittleEndian(image[16..], fpu.LastDataPointer);
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], fpu.Mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(image[28..], MxcsrMask);
        for (int i = 0; i < 8; i++)
        {
            fpu.Register(Physical(fpu.StatusWord, i)).CopyTo(image[(StackOffset + i * 16)..]);
        }

        for (int i = 0; i < 16; i++)
        {
            cpu.VectorRegister(i)[..16].CopyTo(image[(VectorOffset + i * 16)..]);
        }

        if (cpu.Model.Has(CpuFeature.Avx))
        {
            SaveUpperHalves(cpu, image);
        }
    }

    /// <summary>Loads an image; bits of MXCSR that do not exist are dropped.</summary>
    public static void Load(Vcpu cpu, ReadOnlySpan<byte> image)
    {
        FpuState fpu = cpu.Fpu;
        fpu.ControlWord = BinaryPrimitives.ReadUInt16LittleEndian(image);
        fpu.StatusWord = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
        fpu.AbridgedTag = image[4];
        fpu.LastOpcode = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(image[6..]) & 0x7FF);
        fpu.LastInstructionPointer = BinaryPrimitives.ReadUInt64LittleEndian(image[8..]);
        fpu.LastDataPointer = BinaryPrimitives.ReadUInt64LittleEndian(image[16..]);
        fpu.Mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[24..]) & MxcsrMask;
        for (int i = 0; i < 8; i++)
        {
            image.Slice(StackOffset + i * 16, 10).CopyTo(fpu.Register(Physical(fpu.StatusWord, i)));
        }

        for (int i = 0; i < 16; i++)
        {
            image.Slice(VectorOffset + i * 16, 16).CopyTo(cpu.VectorRegister(i));
        }

        if (image.Length > LegacySize && BinaryPrimitives.ReadUInt32LittleEndian(image[SoftwareOffset..]) == Magic1)
        {
            for (int i = 0; i < 16; i++)
            {
                image.Slice(LegacySize + HeaderSize + i * 16, 16).CopyTo(cpu.VectorRegister(i)[16..]);
            }
        }
    }

    /// <summary>What the x87 unit is at the start of a program or of a signal handler.</summary>
    public static void Reset(Vcpu cpu)
    {
        const ushort initialControl = 0x37F;
        const uint initialMxcsr = 0x1F80;
        cpu.Fpu.ControlWord = initialControl;
        cpu.Fpu.StatusWord = 0;
        cpu.Fpu.AbridgedTag = 0;
        cpu.Fpu.Mxcsr = initialMxcsr;
    }

    static void SaveUpperHalves(Vcpu cpu, Span<byte> image)
    {
        int size = LegacySize + HeaderSize + UpperHalvesSize;
        BinaryPrimitives.WriteUInt32LittleEndian(image[SoftwareOffset..], Magic1);
        BinaryPrimitives.WriteInt32LittleEndian(image[(SoftwareOffset + 4)..], size + MagicSize);
        BinaryPrimitives.WriteUInt64LittleEndian(image[(SoftwareOffset + 8)..], LegacyFeatures | AvxFeature);
        BinaryPrimitives.WriteInt32LittleEndian(image[(SoftwareOffset + 16)..], size);
        BinaryPrimitives.WriteUInt64LittleEndian(image[LegacySize..], LegacyFeatures | AvxFeature);
        for (int i = 0; i < 16; i++)
        {
            cpu.VectorRegister(i).Slice(16, 16).CopyTo(image[(LegacySize + HeaderSize + i * 16)..]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(image[size..], Magic2);
    }

    static int Physical(ushort status, int index) => (status >> 11) + index & 7;
}
