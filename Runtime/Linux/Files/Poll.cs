namespace FastVcpu.Linux.Files;

/// <summary>Events of poll.</summary>
static class Poll
{
    public const short In = 1, Priority = 2, Out = 4, Error = 8, HangUp = 0x10, Invalid = 0x20, ReadNormal = 0x40, ReadBand = 0x80;
    public const short WriteNormal = 0x100, WriteBand = 0x200, ReadHangUp = 0x2000;
}
