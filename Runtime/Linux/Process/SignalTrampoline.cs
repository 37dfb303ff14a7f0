using FastVcpu.Linux.Memory;

namespace FastVcpu.Linux.Process;

/// <summary>
/// The code that a signal handler of i386 returns to when the program names none (no SA_RESTORER): a page of the guest with the two calls.
/// </summary>
static class SignalTrampoline
{
    const string Name = "[sigpage]";
    const uint OldOffset = 16;

    // mov eax, 173 (rt_sigreturn); int 80h — and at the second offset: pop eax; mov eax, 119 (sigreturn); int 80h.
    static ReadOnlySpan<byte> Code =>
        [0xB8, 173, 0, 0, 0, 0xCD, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x58, 0xB8, 119, 0, 0, 0, 0xCD, 0x80];

    /// <summary>Address of the code, which is mapped at first need. False: no memory.</summary>
    public static bool TryGet(GuestMemory memory, bool withInformation, out uint address)
    {
        ulong page = memory.Mappings.Find(mapping => mapping.Name == Name)?.Start ?? 0;
        if (page == 0)
        {
            page = memory.FindFree(GuestMemory.PageSize, 0);
            if (page == 0 || !memory.Map(page, GuestMemory.PageSize, MemoryProtection.Read | MemoryProtection.Execute, Name))
            {
                address = 0;
                return false;
            }

            memory.Space.TryWrite(page, Code);
        }

        address = (uint)page + (withInformation ? 0 : OldOffset);
        return true;
    }
}
