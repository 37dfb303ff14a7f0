using System.Buffers.Binary;

namespace FastVcpu.Linux.Process;

/// <summary>
/// The floating-point state in a signal frame: the FXSAVE image, or on a CPU with XSAVE the image of that instruction, with what the kernel writes into the
/// part that belongs to software and a magic number behind it (arch/x86/include/uapi/asm/sigcontext.h).
/// </summary>
static class FpuImage
{
    public const int LegacySize = 512;
    const int MagicSize = 4, MxcsrOffset = 24, PresentOffset = LegacySize;
    const int SoftwareOffset = 464, TotalSizeOffset = SoftwareOffset + 4, ComponentsOffset = SoftwareOffset + 8, ImageSizeOffset = SoftwareOffset + 16;

    const uint Magic1 = 0x46505853, Magic2 = 0x46505845;

    const ulong LegacyComponents = 3;
    const uint MxcsrMask = 0x2FFFF;

    /// <summary>Bytes of the image of a CPU.</summary>
    public static int Size(Vcpu cpu) => cpu.Model.Has(CpuFeature.Xsave) ? cpu.XsaveSize + MagicSize : LegacySize;

    /// <summary>Writes the image.</summary>
    public static void Save(Vcpu cpu, Span<byte> image)
    {
        byte[] state = new byte[cpu.XsaveSize];
        cpu.GetXsave(state);
        if (!cpu.Model.Has(CpuFeature.Xsave))
        {
            state.AsSpan(0, LegacySize).CopyTo(image);
            return;
        }

        state.CopyTo(image);
        BinaryPrimitives.WriteUInt32LittleEndian(image[SoftwareOffset..], Magic1);
        BinaryPrimitives.WriteInt32LittleEndian(image[TotalSizeOffset..], state.Length + MagicSize);
        BinaryPrimitives.WriteUInt64LittleEndian(image[ComponentsOffset..], cpu.Xcr0);
        BinaryPrimitives.WriteInt32LittleEndian(image[ImageSizeOffset..], state.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(image[state.Length..], Magic2);
    }

    /// <summary>Loads an image; without the magic numbers it is the FXSAVE image alone. False: the CPU cannot load it.</summary>
    public static bool TryLoad(Vcpu cpu, ReadOnlySpan<byte> image)
    {
        byte[] state = new byte[cpu.XsaveSize];
        ulong present = LegacyComponents;
        if (IsExtended(cpu, image))
        {
            image[..state.Length].CopyTo(state);
            present = BinaryPrimitives.ReadUInt64LittleEndian(image[PresentOffset..]) & BinaryPrimitives.ReadUInt64LittleEndian(image[ComponentsOffset..]);
        }
        else
        {
            image[..LegacySize].CopyTo(state);
            uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(image[MxcsrOffset..]) & MxcsrMask;
            BinaryPrimitives.WriteUInt32LittleEndian(state.AsSpan(MxcsrOffset), mxcsr);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(state.AsSpan(PresentOffset), present);
        try
        {
            cpu.SetXsave(state);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
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

    static bool IsExtended(Vcpu cpu, ReadOnlySpan<byte> image)
    {
        int size = cpu.XsaveSize;
        return cpu.Model.Has(CpuFeature.Xsave)
            && BinaryPrimitives.ReadUInt32LittleEndian(image[SoftwareOffset..]) == Magic1
            && BinaryPrimitives.ReadInt32LittleEndian(image[ImageSizeOffset..]) == size
            && BinaryPrimitives.ReadInt32LittleEndian(image[TotalSizeOffset..]) == size + MagicSize
            && BinaryPrimitives.ReadUInt32LittleEndian(image[size..]) == Magic2;
    }
}
