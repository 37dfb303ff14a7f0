namespace FastVcpu.Linux.Process;

/// <summary>Segment registers by their number in instruction encodings.</summary>
static class SegmentNumber
{
    public const int Es = 0, Ds = 3, Fs = 4, Gs = 5;
}
