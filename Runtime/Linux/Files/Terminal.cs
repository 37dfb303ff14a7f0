namespace FastVcpu.Linux.Files;

/// <summary>ioctl requests of terminals and a few of all files, with the size of what their argument points to.</summary>
static class Terminal
{
    public const uint GetAttributes = 0x5401, SetAttributes = 0x5402, SetAttributesDrain = 0x5403, SetAttributesFlush = 0x5404;
    public const uint SendBreak = 0x5409, Flow = 0x540A, Flush = 0x540B, SetControlling = 0x540E;
    public const uint GetForegroundGroup = 0x540F, SetForegroundGroup = 0x5410, GetWindowSize = 0x5413, SetWindowSize = 0x5414;
    public const uint BytesReadable = 0x541B, GiveUpControlling = 0x5422, GetSession = 0x5429;
    public const uint SetNonBlocking = 0x5421, ClearCloseOnExec = 0x5450, SetCloseOnExec = 0x5451;

    /// <summary>struct termios of the kernel; the same in both guest ABIs and on every host.</summary>
    public const int AttributesSize = 36;

    /// <summary>struct winsize.</summary>
    public const int WindowSizeSize = 8;
}
