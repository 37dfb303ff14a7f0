using System.Runtime.CompilerServices;

namespace FastVcpu.Fuzzing;

/// <summary>
/// afl-fuzz's map of comparisons (its option -c): for each place in the code how often it compared, and the operands of the latest times. afl-fuzz clears it before each run, looks for operands
/// in its input, and puts those of the other side there.
/// </summary>
sealed unsafe class AflCompareMap(byte* memory) : ComparisonSink
{
    /// <summary>Places, by a hash of their addresses.</summary>
    const int Places = 1 << PlaceBits, PlaceBits = 16;

    /// <summary>Operands of a place, in bytes: 32 comparisons, or 8 calls.</summary>
    const int PlaceSize = Comparisons * ComparisonSize, Comparisons = 32, ComparisonSize = 32, Calls = 8, CallSize = 64;

    /// <summary>What is kept of memory that an argument points to; the last byte is the length.</summary>
    const int MostBytes = CallSize / 2 - 1;

    // A header is 64 bits: how often, a number that is not used here, bytes of an operand less one, what it is.
    const ulong HitsMask = 0xFFFFFF, SizeMask = 0x1F, KindMask = 3, Comparing = 1, Calling = 2;
    const int SizeShift = 48, KindShift = 53;

    /// <summary>Bytes of the map.</summary>
    public const int Size = Places * (sizeof(ulong) + PlaceSize);

    /// <inheritdoc/>
    public override bool WantsCalls => true;

    /// <inheritdoc/>
    public override void Add(in Comparison comparison)
    {
        if (comparison.Left == comparison.Right)
        {
            return;
        }

        ulong* entry = (ulong*)Next(comparison.Rip, Comparing, comparison.Size, Comparisons, ComparisonSize);
        entry[0] = comparison.Left;
        entry[1] = comparison.Right;
    }

    /// <inheritdoc/>
    public override void AddCall(Vcpu cpu, ulong rip, ulong first, ulong second)
    {
        const int half = CallSize / 2;
        byte* bytes = stackalloc byte[CallSize];
        Unsafe.InitBlock(bytes, 0, CallSize);
        int length = Math.Min(Read(cpu, first, bytes), Read(cpu, second, bytes + half));
        if (length == 0 || new Span<byte>(bytes, length).SequenceEqual(new Span<byte>(bytes + half, length)))
        {
            return;
        }

        bytes[MostBytes] = bytes[half + MostBytes] = (byte)length;
        Unsafe.CopyBlockUnaligned(Next(rip, Calling, length, Calls, CallSize), bytes, CallSize);
    }

    /// <summary>Reads what an address points to, at least to the end of its page; returns how much there is.</summary>
    static int Read(Vcpu cpu, ulong address, byte* bytes)
    {
        const int pageSize = 4096;
        int inPage = (int)Math.Min(MostBytes, pageSize - (address & (pageSize - 1)));
        return cpu.TryReadLinear(address, new Span<byte>(bytes, MostBytes)) ? MostBytes
            : inPage < MostBytes && cpu.TryReadLinear(address, new Span<byte>(bytes, inPage)) ? inPage
            : 0;
    }

    /// <summary>Counts a hit; returns where its operands go: over the oldest ones.</summary>
    byte* Next(ulong rip, ulong kind, int operandSize, int depth, int entrySize)
    {
        const ulong multiplier = 0x9E3779B97F4A7C15;
        int place = (int)(rip * multiplier >> 64 - PlaceBits);
        ulong* header = (ulong*)memory + place;
        bool isKnown = (*header >> KindShift & KindMask) == kind;
        ulong hits = isKnown ? *header & HitsMask : 0, size = (ulong)operandSize - 1;
        size = isKnown ? Math.Max(size, *header >> SizeShift & SizeMask) : size;
        *header = hits + 1 & HitsMask | size << SizeShift | kind << KindShift;
        return memory + Places * sizeof(ulong) + place * PlaceSize + (int)(hits % (ulong)depth) * entrySize;
    }
}
