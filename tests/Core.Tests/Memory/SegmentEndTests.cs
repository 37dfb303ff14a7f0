namespace FastVcpu.Tests.Memory;

/// <summary>Accesses at the end of a segment.</summary>
public sealed class SegmentEndTests
{
    const int StackFault = 12;

    [Theory]
    [InlineData("movaps")]
    [InlineData("vmovntps")]
    public void MisalignmentComesBeforeTheEndOfTheStackSegment_Measured(string move)
    {
        using Guest guest = new(32, c =>
        {
            if (move == "movaps")
            {
                c.movaps(xmm0, __[ebp]);
            }
            else
            {
                c.vmovntps(__[ebp], xmm0);
            }
        });
        const uint Limit = (uint)(Guest.Stack + Guest.StackSize) - 9;
        guest.Cpu.Segments.Ss = guest.Cpu.Segments.Ss with { Limit = Limit };
        foreach ((uint offset, int vector) in new[] { (Limit - 6, Guest.GeneralProtection), (Limit - 7, StackFault) })
        {
            guest.Regs.Rbp = offset;
            guest.Rewind();
            guest.Run();
            Assert.Equal(vector, guest.Exit.Vector);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    public void NothingWrapsAtTheEndOfAFlatSegmentWithABase_Sdm3_5_3(int size)
    {
        using Guest guest = new(32, c =>
        {
            switch (size)
            {
                case 4:
                    c.mov(eax, __dword_ptr.fs[ebx]);
                    break;
                case 8:
                    c.movsd(xmm0, __qword_ptr.fs[ebx]);
                    break;
                case 16:
                    c.vxorpd(xmm0, xmm0, __xmmword_ptr.fs[ebx]);
                    break;
                default:
                    c.vxorpd(ymm0, ymm0, __ymmword_ptr.fs[ebx]);
                    break;
            }
        });
        guest.Cpu.Segments.Fs = guest.Cpu.Segments.Ds with { Base = Guest.Data + 0x80 };
        guest.RunToEnd();
        guest.Regs.Rbx = (uint)-size;
        guest.Rewind();
        guest.RunToEnd();
        guest.Regs.Rbx = (uint)-size + 1;
        guest.Rewind();
        guest.Run();
        Assert.Equal(Guest.GeneralProtection, guest.Exit.Vector);
    }
}
