using System.Runtime.InteropServices;
using FastVcpu.Decode;
using FastVcpu.Semantics.X87;
using FastVcpu.State;

namespace FastVcpu.Tests.X87;

/// <summary>The memory images of FSTENV and FSAVE in their four layouts.</summary>
public sealed unsafe class ImageTests : IDisposable
{
    const uint RealMode = 0, ProtectedMode = CpuMode.Protected, Virtual8086Mode = CpuMode.Protected | CpuMode.Virtual8086;

    readonly CpuState* s = (CpuState*)NativeMemory.AllocZeroed(CpuState.Size);

    public void Dispose() => NativeMemory.Free(s);

    ushort[] Words<TImage>(uint mode) where TImage : unmanaged, IFpuImage
    {
        s->Mode = mode;
        s->FpuControl = 0x37F;
        s->FpuStatus = 0x3800;
        s->FpuTag = 0b1110_0000;
        Float80.One.Write(FpuStack.Location(s, 7));
        Float80.Indefinite.Write(FpuStack.Location(s, 6));
        s->FpuInstructionPointer = 0x1_2345;
        s->FpuCs = 0x1000;
        s->FpuDataPointer = 0x2_6789;
        s->FpuDs = 0x2000;
        s->FpuOpcode = 0x5D8;
        TImage image;
        FpuImage.Store<TImage>(s, (byte*)&image);
        ushort[] words = new Span<ushort>(&image, sizeof(TImage) / sizeof(ushort)).ToArray();
        // Everything comes back.
        FpuImage.AfterStore<TImage>(s);
        FpuImage.Load<TImage>(s, (byte*)&image);
        TImage again;
        FpuImage.Store<TImage>(s, (byte*)&again);
        Assert.Equal(words, new Span<ushort>(&again, sizeof(TImage) / sizeof(ushort)).ToArray());
        return words;
    }

    [Fact]
    public void Protected32() => Assert.Equal(
        [0x37F, 0xFFFF, 0x3800, 0xFFFF, 0x27FF, 0xFFFF, 0x2345, 0x1, 0x1000, 0x5D8, 0x6789, 0x2, 0x2000, 0xFFFF],
        Words<Environment32>(ProtectedMode));

    [Fact]
    public void Protected16() => Assert.Equal(
        [0x37F, 0x3800, 0x27FF, 0x2345, 0x1000, 0x6789, 0x2000],
        Words<Environment16>(ProtectedMode));

    [Theory]
    [InlineData(RealMode)]
    [InlineData(Virtual8086Mode)]
    public void Real32(uint mode) => Assert.Equal(
        [0x37F, 0xFFFF, 0x3800, 0xFFFF, 0x27FF, 0xFFFF, 0x2345, 0xFFFF, 0x25D8, 0, 0x6789, 0xFFFF, 0x4000, 0],
        Words<Environment32>(mode));

    [Theory]
    [InlineData(RealMode)]
    [InlineData(Virtual8086Mode)]
    public void Real16(uint mode) => Assert.Equal(
        [0x37F, 0x3800, 0x27FF, 0x2345, 0x25D8, 0x6789, 0x4000],
        Words<Environment16>(mode));

    [Fact]
    public void TheRegistersFollowInTheOrderOfTheStack()
    {
        ushort[] words = Words<State32>(ProtectedMode);
        Assert.Equal(108, words.Length * sizeof(ushort));
        // ST(0) is physical register 7.
        Assert.Equal([0, 0, 0, 0x8000, 0x3FFF], words[14..19]);
        Assert.Equal([0, 0, 0, 0xC000, 0xFFFF], words[49..54]);
        Assert.Equal(94, Words<State16>(ProtectedMode).Length * sizeof(ushort));
    }
}
