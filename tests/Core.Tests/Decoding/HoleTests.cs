using FastVcpu.Decode;
using FastVcpu.Execution;
using FastVcpu.Specs;
using DecodeStatus = FastVcpu.Decode.DecodeStatus;
using OpcodeMap = FastVcpu.Specs.OpcodeMap;
using OurDecoder = FastVcpu.Decode.Decoder;

namespace FastVcpu.Tests.Decoding;

/// <summary>Every encoding that the specification leaves out is undefined, on a CPU with all features.</summary>
public sealed unsafe class HoleTests
{
    /// <summary>Zeros behind the opcode: any ModRM byte, displacement and immediate.</summary>
    const int BufferLength = 24;

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    public void EveryHoleIsRefused(int bits)
    {
        List<string> accepted = [];
        int holes = 0;
        Op op = default;
        uint mode = CpuMode.Protected | CpuMode.FlatSegments | CpuMode.OsFxsr | CpuMode.VectorExtensions | (bits == 64 ? CpuMode.Code64 : CpuMode.Code32);
        foreach (Hole hole in Hole.Of(SpecificationOfTheRepository.Forms).Where(h => h.Is64 == (bits == 64)))
        {
            byte[] code = Encode(hole);
            OurDecoder.Decode(code, 0x1000, mode, CpuModel.Max.Features, &op, out Decoded decoded);
            holes++;
            if (decoded.Status != DecodeStatus.Undefined)
            {
                accepted.Add($"{hole}: {Convert.ToHexStringLower(code)} {decoded.Status}");
            }
        }
        Assert.True(holes > 1000);
        Assert.Empty(accepted);
    }

    static Specification SpecificationOfTheRepository { get; } = Specification.Load(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "Specs"), "*.isa", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))
            .Select(path => new SpecFile(path, File.ReadAllText(path))));

    static byte[] Encode(Hole hole)
    {
        List<byte> bytes = [];
        if (hole.Map >= OpcodeMap.Vex0F)
        {
            // VEX with all inverted fields clear: registers 0, vvvv = none.
            bytes.AddRange([0xC4, (byte)(0xE0 | (hole.Map - OpcodeMap.Vex0F + 1)), (byte)(0x78 | hole.Prefix)]);
        }
        else
        {
            bytes.AddRange(hole.Prefix switch { 1 => [0x66], 2 => [0xF3], 3 => [0xF2], _ => Array.Empty<byte>() });
            bytes.AddRange(hole.Map switch
            {
                OpcodeMap.Map0F => [0x0F],
                OpcodeMap.Map0F38 => [0x0F, 0x38],
                OpcodeMap.Map0F3A => [0x0F, 0x3A],
                _ => Array.Empty<byte>(),
            });
        }
        bytes.Add(hole.Opcode);
        if (hole.Reg is int reg)
        {
            bytes.Add((byte)((hole.IsRegister ? 0xC0 : 0) | reg << 3));
        }
        return [.. bytes, .. new byte[BufferLength - bytes.Count]];
    }
}
