using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Process;

/// <summary>The three descriptors that a 32-bit thread defines for its thread-local storage (set_thread_area).</summary>
sealed class ThreadDescriptors
{
    /// <summary>GDT_ENTRY_TLS_MIN of a 64-bit kernel.</summary>
    public const int First = 12;
    public const int Count = 3;

    readonly ulong[] _descriptors = new ulong[Count];

    public ThreadDescriptors(ThreadDescriptors? source) => source?._descriptors.CopyTo(_descriptors, 0);

    public ulong this[int entry]
    {
        get => _descriptors[entry - First];
        set => _descriptors[entry - First] = value;
    }

    /// <summary>The first entry that is not in use, or -1.</summary>
    public int FindFree()
    {
        int index = Array.IndexOf(_descriptors, 0UL);
        return index < 0 ? -1 : First + index;
    }

    /// <summary>Makes the descriptors known to a CPU.</summary>
    public void Install(Vcpu cpu)
    {
        for (int i = 0; i < Count; i++)
        {
            cpu.SetDescriptor(First + i, _descriptors[i]);
        }
    }

    /// <summary>Loads a data segment register, as MOV does. A selector that means nothing here becomes null.</summary>
    public void Load(Vcpu cpu, int register, ushort selector)
    {
        if (cpu.Segments[register].Selector == selector)
        {
            return;
        }

        int entry = selector >> 3;
        if (selector >> 2 << 2 == (cpu.Segments.Ss.Selector & ~3))
        {
            cpu.Segments[register] = cpu.Segments.Ss;
        }
        else if (entry is >= First and < First + Count && this[entry] is not 0 and ulong descriptor)
        {
            cpu.Segments[register] = SegmentDescriptor.Expand(descriptor, selector);
        }
        else
        {
            cpu.Segments[register] = default;
        }
    }

    /// <summary>Loads FS and GS again where they show an entry that has changed.</summary>
    public void Reload(Vcpu cpu, int entry)
    {
        foreach (int register in (ReadOnlySpan<int>)[SegmentNumber.Fs, SegmentNumber.Gs])
        {
            ushort selector = cpu.Segments[register].Selector;
            if (selector >> 3 == entry && this[entry] != 0)
            {
                cpu.Segments[register] = SegmentDescriptor.Expand(this[entry], selector);
            }
        }
    }
}
