using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Abi;

/// <summary>The statfs structures.</summary>
static class StatfsLayout
{
    /// <summary>struct statfs: all fields are longs.</summary>
    public static bool Native(ref StructWriter w, in HostStatfs s)
    {
        w.Word(s.Type);
        w.Word(s.BlockSize);
        w.Word(s.Blocks);
        w.Word(s.BlocksFree);
        w.Word(s.BlocksAvailable);
        w.Word(s.Files);
        w.Word(s.FilesFree);
        w.Int((uint)s.Id);
        w.Int((uint)(s.Id >> 32));
        Tail(ref w, s);
        return true;
    }

    /// <summary>struct statfs64 of i386: counts are 64 bits wide.</summary>
    public static bool Large(ref StructWriter w, in HostStatfs s)
    {
        w.Int((uint)s.Type);
        w.Int((uint)s.BlockSize);
        w.Wide(s.Blocks);
        w.Wide(s.BlocksFree);
        w.Wide(s.BlocksAvailable);
        w.Wide(s.Files);
        w.Wide(s.FilesFree);
        w.Int((uint)s.Id);
        w.Int((uint)(s.Id >> 32));
        Tail(ref w, s);
        return true;
    }

    static void Tail(ref StructWriter w, in HostStatfs s)
    {
        w.Word(s.NameLength);
        w.Word(s.FragmentSize);
        w.Word(s.Flags);
        for (int i = 0; i < 4; i++)
        {
            w.Word(0UL);
        }
    }
}
