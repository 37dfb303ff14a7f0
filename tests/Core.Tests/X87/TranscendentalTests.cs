using FastVcpu.Semantics.X87;

namespace FastVcpu.Tests.X87;

/// <summary>Transcendental functions against values that were computed with 300 bits and rounded to nearest.</summary>
public sealed class TranscendentalTests
{
    [Theory]
    [InlineData("Sine", 0x3FFD, 0x97B750923CEB3FFD, 0, 0UL, 0x3FFD, 0x95816B2BE66DEF2E)]
    [InlineData("Cosine", 0x3FFD, 0x97B750923CEB3FFD, 0, 0UL, 0x3FFE, 0xF4D7C54B3F973E3B)]
    [InlineData("Tangent", 0x3FFD, 0x97B750923CEB3FFD, 0, 0UL, 0x3FFD, 0x9C517C1505DC68B6)]
    [InlineData("PowerMinusOne", 0x3FFE, 0xEA7B5BF55EB561A4, 0, 0UL, 0x3FFE, 0xE3059BB17ACBE506)]
    [InlineData("Angle", 0xC001, 0x835EFA259B08923D, 0xBFFD, 0xBBFD1D338D0038EC, 0xBFFF, 0xD47AB74411CD5FA6)]
    [InlineData("Log2", 0xC002, 0xD62256758A7D43B5, 0x3FF4, 0xA399F82A65AA9C82, 0x4006, 0x8E7A9BD570CC6385)]
    [InlineData("Log2OfOnePlus", 0xBFFC, 0xA2863A7F3B5F3D86, 0x3FFC, 0x83E0A813BDC2AE99, 0xBFF9, 0xE33D1F051ECCDBEA)]
    [InlineData("Sine", 0x3FFD, 0xC21B609228CE6F24, 0, 0UL, 0x3FFD, 0xBD7D8F453FF599BF)]
    [InlineData("Cosine", 0x3FFD, 0xC21B609228CE6F24, 0, 0UL, 0x3FFE, 0xEDD273B0F15756DB)]
    [InlineData("Tangent", 0x3FFD, 0xC21B609228CE6F24, 0, 0UL, 0x3FFD, 0xCBF962DA5A65928F)]
    [InlineData("PowerMinusOne", 0xBFF7, 0xC7B317D94D1FE09F, 0, 0UL, 0xBFF7, 0x8A211675DDE2075F)]
    [InlineData("Angle", 0xC000, 0x9841811779061596, 0xC003, 0xBA6676B3651C5253, 0xC000, 0xC28CC770C8B5B68B)]
    [InlineData("Log2", 0xBFFC, 0xEF829C88F6CED90A, 0x3FF3, 0x892FDDDF18F2C41C, 0x4000, 0xB222BE4528FC3805)]
    [InlineData("Log2OfOnePlus", 0xBFFE, 0xB78C74DC7EB0ADF4, 0xBFF9, 0xA06C05A1C76ABF43, 0x3FF9, 0xA795F308FE8AF6A6)]
    [InlineData("Sine", 0xBFFC, 0xD55EC1A581DAAD10, 0, 0UL, 0xBFFC, 0xD3D458ECF88AB56E)]
    [InlineData("Cosine", 0xBFFC, 0xD55EC1A581DAAD10, 0, 0UL, 0x3FFE, 0xFA766D55B51B7D36)]
    [InlineData("Tangent", 0xBFFC, 0xD55EC1A581DAAD10, 0, 0UL, 0xBFFC, 0xD8834388AB0B773E)]
    [InlineData("PowerMinusOne", 0x3FFD, 0x95C76AB488BAFAD9, 0, 0UL, 0x3FFC, 0xE62FF04575581BD9)]
    [InlineData("Angle", 0x4004, 0xD6363B4BE779C470, 0x4003, 0xC7997B6BDB3D1150, 0x3FFF, 0x914148663E3841E1)]
    [InlineData("Log2", 0x3FFF, 0xDC52BDCAB2D87D5E, 0x3FF8, 0xA7CF94D7B6BCB64F, 0xC002, 0xB605E24D9B7826E6)]
    [InlineData("Log2OfOnePlus", 0xC003, 0xD4E441C3A20AB57C, 0xBFF7, 0x9FDAF62548F2F8ED, 0x3FFC, 0xC041BE75F5F97F4C)]
    [InlineData("Sine", 0x3FFC, 0xA385AC4BDA9BF98C, 0, 0UL, 0x3FFC, 0xA2D3FB74FC300BE3)]
    [InlineData("Cosine", 0x3FFC, 0xA385AC4BDA9BF98C, 0, 0UL, 0x3FFE, 0xFCBE2A3946D53D9A)]
    [InlineData("Tangent", 0x3FFC, 0xA385AC4BDA9BF98C, 0, 0UL, 0x3FFC, 0xA4ED2CED8A3C2F14)]
    [InlineData("PowerMinusOne", 0xBFF8, 0xCCF3D0B35815A3D5, 0, 0UL, 0xBFF8, 0x8D72B424374908AE)]
    [InlineData("Angle", 0xBFFA, 0xA6988F4FE5A8181B, 0x4000, 0xC4CF8B966D59298C, 0xBFF8, 0xD8AF8B4A0F937443)]
    [InlineData("Log2", 0x4003, 0x9AE085BF0B500A3F, 0x4010, 0xB7EBB70C60B7D02B, 0x4007, 0xA99E6B3823A4581C)]
    [InlineData("Log2OfOnePlus", 0x3FFE, 0x8D04999D54B9693C, 0x3FF9, 0x8938233CFF9E4840, 0x3FF8, 0xD84AF366A2B45493)]
    [InlineData("Sine", 0x3FB8, 0x9BADB4F513B45A39, 0, 0UL, 0x3FB8, 0x9BADB4F513B45A39)]
    [InlineData("Log2", 0xBFFF, 0xB287D050F2EAD0A8, 0x3FFF, 0x8000000000000001, 0xBFC1, 0x80C8552CA9569BCD)]
    [InlineData("Log2OfOnePlus", 0x3FFF, 0xC36C6D2A9C4792DA, 0xBF3C, 0xDE26C45BFAD9D3A9, 0xBF3D, 0xF4A89D2A883F548A)]
    public void TheNearestNumberComesOut(string function, int signA, ulong a, int signB, ulong b, int expectedSign, ulong expected)
    {
        FpuContext c = new(FpuControlWord.Initial);
        Float80 x = new(a, signA), y = new(b, signB);
        Float80 result = function switch
        {
            "Sine" => Trigonometry.SineCosine(Unpacked.From(x)).Sine.Round(ref c),
            "Cosine" => Trigonometry.SineCosine(Unpacked.From(x)).Cosine.Round(ref c),
            "Tangent" => Trigonometry.Tangent(Unpacked.From(x)).Round(ref c),
            "PowerMinusOne" => PowerMinusOne.Apply(ref c, x),
            "Angle" => ArcTangent.Apply(ref c, x, y),
            "Log2" => MultipliedLog2.Apply(ref c, x, y),
            _ => MultipliedLog2OfOnePlus.Apply(ref c, x, y),
        };
        Assert.Equal(new Float80(expected, expectedSign), result);
        Assert.Equal(FpuStatusWord.Precision, c.Exceptions);
    }

    [Fact]
    public void AnglesAreReducedByAPiOf66Bits()
    {
        // 2^62: a π of more bits would give another quadrant.
        (Wide sine, Wide cosine) = Trigonometry.SineCosine(new Unpacked(false, Float80.Bias + 62, Float80.IntegerBit));
        Wide square = sine * sine + cosine * cosine - Wide.One;
        Assert.True(square.IsZero || square.Exponent < -120, $"{square.Exponent}");
        FpuContext c = new(FpuControlWord.Initial);
        Assert.Equal(new Float80(0xB506A9DD559CF157, 0xBFFE), sine.Round(ref c));
    }
}
