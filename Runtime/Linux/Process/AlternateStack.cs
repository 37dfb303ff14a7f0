namespace FastVcpu.Linux.Process;

/// <summary>The stack of sigaltstack.</summary>
readonly record struct AlternateStack(ulong Start, ulong Size)
{
    public const uint OnStackFlag = 1, DisabledFlag = 2;

    public bool IsEnabled => Size != 0;

    public bool Contains(ulong stackPointer) => IsEnabled && stackPointer > Start && stackPointer - Start <= Size;
}
