using FastVcpu.Decode;

namespace FastVcpu.Execution;

/// <summary>
/// Numbers for code segments, by base and limit, that are part of the mode word: what is cached by instruction pointer holds for one segment
/// only, and a limit is checked when code is decoded.
/// </summary>
sealed class CodeSegments
{
    /// <summary>The number of all that come when the others are used up.</summary>
    const uint Rest = uint.MaxValue >> CpuMode.CodeSegmentShift;

    readonly Dictionary<(ulong Base, uint Limit), uint> numbers = new() { [(0, uint.MaxValue)] = 0 };
    (ulong Base, uint Limit) last = (0, uint.MaxValue);
    uint number;

    /// <summary>The number of a segment. <paramref name="isShared"/>: it is another segment than the last one, and may have had its number.</summary>
    public uint Number(ulong segmentBase, uint limit, out bool isShared)
    {
        isShared = false;
        if (last != (segmentBase, limit))
        {
            last = (segmentBase, limit);
            if (!numbers.TryGetValue(last, out number))
            {
                number = Math.Min((uint)numbers.Count, Rest);
                isShared = number == Rest;
                if (!isShared)
                {
                    numbers.Add(last, number);
                }
            }
        }
        return number;
    }
}
