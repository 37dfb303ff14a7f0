using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Tests.Floating;

/// <summary>Instructions that compute in several steps: an exception that is not masked keeps the next step from being taken. Observed on hardware.</summary>
public sealed class UnmaskedStepTests
{
    const int SimdFloatingPoint = 19;
    const uint OnlyUnderflowMasked = 0x800;

    [Fact]
    public void ADotProductReportsTheExceptionsOfTheStepThatFaults()
    {
        using Guest guest = new(64, a => a.dpps(xmm0, xmm2, 0xAF));
        Convert.FromHexString("fbff7f88fbffff8bffff7f4bb10bf022").CopyTo(guest.Cpu.VectorRegister(0));
        Convert.FromHexString("2d1a7631000000340100803f04a06232").CopyTo(guest.Cpu.VectorRegister(2));
        guest.Cpu.Fpu.Mxcsr = OnlyUnderflowMasked;
        guest.Run();
        Assert.Equal((SimdFloatingPoint, 0x830u), (guest.Exit.Vector, guest.Cpu.Fpu.Mxcsr));
    }
}
