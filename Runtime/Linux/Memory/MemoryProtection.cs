namespace FastVcpu.Linux.Memory;

/// <summary>PROT_ bits of mmap, which have the values of <see cref="PagePermissions"/>.</summary>
[Flags]
enum MemoryProtection
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
    All = Read | Write | Execute,
}
