using System.Globalization;
using FastVcpu.Cli.Calling;
using FastVcpu.Cli.Input;
using Xunit;

namespace FastVcpu.Tests;

/// <summary>The guest programs return the checksums and retire the instructions that their own documentation states.</summary>
public sealed class GuestTests
{
    const ulong Base = 0x400000;

    static readonly int[] Iterations = [1, 2, 10];

    [Fact]
    public void EveryGuestReturnsItsChecksum()
    {
        if (Repository.Guests is null)
        {
            return;
        }

        int guests = 0;
        foreach (string line in File.ReadLines(Path.Combine(Repository.Guests, "README.md")))
        {
            string[] cells = [.. line.Split('|').Select(cell => cell.Trim())];
            if (cells.Length != 11 || cells[2] is not ("32" or "64"))
            {
                continue;
            }

            guests++;
            int bits = int.Parse(cells[2]);
            byte[] code = File.ReadAllBytes(Path.Combine(Repository.Guests, cells[2], cells[1] + ".bin"));
            for (int i = 0; i < Iterations.Length; i++)
            {
                AddressRange[] maps = [new AddressRange(0x800000, 4 << 20, "data")];
                CallRequest request = new(code, Base, Base, maps, [(ulong)Iterations[i]], long.MaxValue, CpuModel.X86_64_V2);
                CallOutcome outcome = UserModeCall.Run(request, bits);
                Assert.True(outcome.End == CallEnd.Return, $"{cells[1]} {bits}: {outcome.Fault}");
                Assert.Equal(uint.Parse(cells[7 + i], NumberStyles.HexNumber), (uint)outcome.Result);
                Assert.Equal(long.Parse(cells[4]) + long.Parse(cells[6]) * Iterations[i], outcome.Instructions);
            }
        }

        Assert.Equal(16, guests);
    }
}
