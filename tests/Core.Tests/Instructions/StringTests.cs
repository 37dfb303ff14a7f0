namespace FastVcpu.Tests.Instructions;

/// <summary>Repeated string instructions: element after element, whatever is done at once, and interruptible between any two.</summary>
public sealed class StringTests
{
    const ulong Direction = 0x400;
    const int Rounds = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void MovsMovesOneElementAfterTheOther(int size)
    {
        using Guest guest = new(64, Repeated(0xF3, 0xA4, size));
        Random random = new(size);
        byte[] memory = new byte[Guest.DataSize];
        for (int round = 0; round < Rounds; round++)
        {
            random.NextBytes(memory);
            guest.Space.Write(Guest.Data, memory);
            int step = random.Next(2) == 0 ? size : -size, count = random.Next(9000 / size), from = random.Next(20000, 40000), to = from + random.Next(-9000, 9000);
            Run(guest, step < 0, count, from, to);
            for (int i = 0; i < count; i++)
            {
                memory.AsSpan(from + i * step, size).ToArray().CopyTo(memory, to + i * step);
            }
            byte[] actual = new byte[Guest.DataSize];
            guest.Space.Read(Guest.Data, actual);
            Assert.Equal(memory, actual);
            Assert.Equal((0ul, Address(from + count * step), Address(to + count * step)), (guest.Regs.Rcx, guest.Regs.Rsi, guest.Regs.Rdi));
        }
    }

    [Theory]
    [InlineData(0xF3, 1)]
    [InlineData(0xF2, 1)]
    [InlineData(0xF3, 4)]
    [InlineData(0xF2, 4)]
    public void CmpsStopsBehindTheElementThatDecides(byte repeat, int size)
    {
        using Guest guest = new(64, Repeated(repeat, 0xA6, size));
        Random random = new(size + repeat);
        byte[] memory = new byte[Guest.DataSize];
        for (int round = 0; round < Rounds; round++)
        {
            // Mostly equal for REPE, mostly different for REPNE.
            Array.Clear(memory);
            memory.AsSpan(40000).Fill((byte)(repeat == 0xF3 ? 0 : 1));
            memory[40000 + random.Next(9000)] ^= 1;
            guest.Space.Write(Guest.Data, memory);
            int step = random.Next(2) == 0 ? size : -size, count = random.Next(9000 / size), at = random.Next(9100);
            int from = 10000 + at, to = 40000 + at;
            Run(guest, step < 0, count, from, to);
            int done = 0;
            bool goesOn = true;
            while (done < count && goesOn)
            {
                goesOn = memory.AsSpan(from + done * step, size).SequenceEqual(memory.AsSpan(to + done * step, size)) == (repeat == 0xF3);
                done++;
            }
            Assert.Equal(((ulong)(count - done), Address(from + done * step)), (guest.Regs.Rcx, guest.Regs.Rsi));
        }
    }

    [Fact]
    public void ScasFindsAByteOverPages()
    {
        using Guest guest = new(64, Repeated(0xF2, 0xAE, 1));
        guest.Space.Write(Guest.Data + 9000, (byte)'x');
        guest.Regs.Rax = 'x';
        Run(guest, false, 50000, 0, 100);
        Assert.Equal((Guest.Data + 9001, 50000ul - 8901), (guest.Regs.Rdi, guest.Regs.Rcx));
        Assert.NotEqual(0ul, guest.Regs.Rflags & 0x40);
    }

    [Fact]
    public void AFaultLeavesWhatHasBeenDone()
    {
        using Guest guest = new(64, Repeated(0xF3, 0xAA, 1));
        guest.Regs.Rax = 7;
        guest.Regs.Rcx = 0x3000;
        guest.Regs.Rdi = Guest.Data + Guest.DataSize - 0x1234;
        guest.Run();
        Assert.Equal((ExitReason.Exception, Guest.PageFault, Guest.Data + Guest.DataSize), (guest.Exit.Reason, guest.Exit.Vector, guest.Exit.Address));
        Assert.Equal((0x3000ul - 0x1234, Guest.Data + Guest.DataSize, Guest.Code), (guest.Regs.Rcx, guest.Regs.Rdi, guest.Regs.Rip));
        Assert.Equal(7, guest.Space.Read<byte>(Guest.Data + Guest.DataSize - 1));
    }

    [Fact]
    public void ARequestEndsTheRunBetweenElements()
    {
        const ulong Start = 1ul << 33, Size = 1ul << 32;
        using Guest guest = new(64, Repeated(0xF3, 0xAC, 1));
        guest.Space.Map(Start, Size, PagePermissions.Read);
        using ExitRequests requests = new(guest.Cpu);
        // Once more, should the request have come before the first element or behind the last one.
        Background.Until(() =>
        {
            guest.Rewind();
            guest.Regs.Rsi = Start;
            guest.Regs.Rcx = Size;
            guest.Run();
            return guest.Regs.Rcx is not (0 or Size);
        });
        Assert.Equal((ExitReason.Interrupted, 0L, Guest.Code), (guest.Exit.Reason, guest.Exit.InstructionsRetired, guest.Regs.Rip));
        Assert.Equal(Start + Size, guest.Regs.Rsi + guest.Regs.Rcx);
    }

    static void Run(Guest guest, bool backward, int count, int from, int to)
    {
        guest.Rewind();
        guest.Regs.Rflags = backward ? Direction | 2 : 2;
        guest.Regs.Rcx = (ulong)count;
        guest.Regs.Rsi = Address(from);
        guest.Regs.Rdi = Address(to);
        guest.RunToEnd();
    }

    static ulong Address(int offset) => Guest.Data + (ulong)offset;

    /// <summary>A repeated string instruction; <paramref name="opcode"/> is that of the byte form.</summary>
    static byte[] Repeated(byte repeat, byte opcode, int size) => size switch
    {
        1 => [repeat, opcode],
        2 => [0x66, repeat, (byte)(opcode + 1)],
        4 => [repeat, (byte)(opcode + 1)],
        _ => [repeat, 0x48, (byte)(opcode + 1)],
    };
}
