namespace FastVcpu.Cli.Conform;

/// <summary>Where a register of the vector format lies in an image.</summary>
/// <param name="Name">Its name in the vectors.</param>
/// <param name="Offset">First byte in the image.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsNumber">Written as a hexadecimal number; otherwise as a string of bytes, lowest first.</param>
sealed record RegisterSlot(string Name, int Offset, int Length, bool IsNumber);

/// <summary>All registers of a vector as one array of bytes, so that defaults, expectation, masks and comparison are plain memory operations.</summary>
static class RegisterImage
{
    public const int Gpr = 0;
    /// <summary>Number of the stack pointer among the general registers.</summary>
    public const int SpNumber = 4;
    public const int Rip = Gpr + 16 * 8;
    public const int Rflags = Rip + 8;
    public const int FsBase = Rflags + 8;
    public const int GsBase = FsBase + 8;
    /// <summary>CS SS DS ES FS GS, two bytes each.</summary>
    public const int Selectors = GsBase + 8;
    public const int SsIndex = 1;
    public const int Fcw = Selectors + 12;
    public const int Fsw = Fcw + 2;
    public const int Ftw = Fsw + 2;
    public const int Mxcsr = Ftw + 2;
    public const int Opmask = (Mxcsr + 4 + 7) & ~7;
    public const int Fpr = Opmask + 8 * 8;
    public const int FprLength = 10;
    public const int Vector = (Fpr + 8 * FprLength + 15) & ~15;
    public const int VectorLength = 64;
    public const int Size = Vector + 32 * VectorLength;

    static readonly string[] GprNames =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
    static readonly string[] SelectorNames = ["cs", "ss", "ds", "es", "fs", "gs"];

    static readonly RegisterSlot[][] SlotsOfMode = [UserSlots(isLong: true), UserSlots(isLong: false), RealSlots()];
    static readonly Dictionary<ulong, RegisterSlot>[] SlotsByName = [.. SlotsOfMode.Select(slots => slots.ToDictionary(slot => Key(slot.Name)))];
    static readonly byte[][] DefaultsOfMode = [UserDefaults(isLong: true), UserDefaults(isLong: false), new byte[Size]];

    static readonly byte[][] NotComparedOfMode = [.. SlotsOfMode.Select(NotThere)];

    /// <summary>The registers of a mode, in the order in which differences are told.</summary>
    public static RegisterSlot[] Slots(VectorMode mode) => SlotsOfMode[(int)mode];

    /// <summary>What the format says registers hold that a vector does not name.</summary>
    public static ReadOnlySpan<byte> Defaults(VectorMode mode) => DefaultsOfMode[(int)mode];

    /// <summary>All bits that no register of the mode has.</summary>
    public static ReadOnlySpan<byte> NotCompared(VectorMode mode) => NotComparedOfMode[(int)mode];

    /// <summary>The register of that name, or null.</summary>
    public static RegisterSlot? Find(VectorMode mode, ReadOnlySpan<byte> name) =>
        name.Length <= 8 && SlotsByName[(int)mode].TryGetValue(Key(name), out RegisterSlot? slot) ? slot : null;

    /// <summary>Names have at most eight letters, so a name is a number.</summary>
    static ulong Key(ReadOnlySpan<byte> name)
    {
        ulong key = 0;
        foreach (byte letter in name)
        {
            key = key << 8 | letter;
        }

        return key;
    }

    static ulong Key(string name) => Key(System.Text.Encoding.ASCII.GetBytes(name));

    static RegisterSlot[] UserSlots(bool isLong)
    {
        int width = isLong ? 8 : 4;
        List<RegisterSlot> slots = [];
        for (int i = 0; i < (isLong ? 16 : 8); i++)
        {
            slots.Add(new RegisterSlot(GprNames[i], Gpr + i * 8, width, true));
        }

        slots.Add(new RegisterSlot("rip", Rip, width, true));
        slots.Add(new RegisterSlot("rflags", Rflags, width, true));
        AddSelectors(slots, SelectorNames.Length);
        slots.Add(new RegisterSlot("fs_base", FsBase, width, true));
        slots.Add(new RegisterSlot("gs_base", GsBase, width, true));
        slots.Add(new RegisterSlot("fcw", Fcw, 2, true));
        slots.Add(new RegisterSlot("fsw", Fsw, 2, true));
        slots.Add(new RegisterSlot("ftw", Ftw, 1, true));
        slots.Add(new RegisterSlot("mxcsr", Mxcsr, 4, true));
        for (int i = 0; i < 8; i++)
        {
            slots.Add(new RegisterSlot("fpr" + i, Fpr + i * FprLength, FprLength, false));
        }

        for (int i = 0; i < (isLong ? 32 : 8); i++)
        {
            int offset = Vector + i * VectorLength;
            slots.Add(new RegisterSlot("xmm" + i, offset, 16, false));
            slots.Add(new RegisterSlot("ymmh" + i, offset + 16, 16, false));
            slots.Add(new RegisterSlot("zmmh" + i, offset + 32, 32, false));
        }

        for (int i = 0; i < 8; i++)
        {
            slots.Add(new RegisterSlot("k" + i, Opmask + i * 8, 8, true));
        }

        return [.. slots];
    }

    static RegisterSlot[] RealSlots()
    {
        List<RegisterSlot> slots = [];
        for (int i = 0; i < 8; i++)
        {
            slots.Add(new RegisterSlot(GprNames[i][1..], Gpr + i * 8, 2, true));
        }

        slots.Add(new RegisterSlot("ip", Rip, 2, true));
        slots.Add(new RegisterSlot("flags", Rflags, 2, true));
        AddSelectors(slots, 4);
        return [.. slots];
    }

    static void AddSelectors(List<RegisterSlot> slots, int count)
    {
        for (int i = 0; i < count; i++)
        {
            slots.Add(new RegisterSlot(SelectorNames[i], Selectors + i * 2, 2, true));
        }
    }

    static byte[] NotThere(RegisterSlot[] slots)
    {
        byte[] mask = new byte[Size];
        Array.Fill(mask, (byte)0xFF);
        foreach (RegisterSlot slot in slots)
        {
            mask.AsSpan(slot.Offset, slot.Length).Clear();
        }

        return mask;
    }

    static byte[] UserDefaults(bool isLong)
    {
        byte[] image = new byte[Size];
        void Number(int offset, ulong value, int length)
        {
            BitConverter.GetBytes(value).AsSpan(0, length).CopyTo(image.AsSpan(offset));
        }

        int width = isLong ? 8 : 4;
        for (int i = 0; i < (isLong ? 16 : 8); i++)
        {
            Number(Gpr + i * 8, 0xD0D0D0D0D0D0D000 + 0x11 * (ulong)i, width);
        }

        Number(Gpr + SpNumber * 8, 0x30008000, 8);
        Number(FsBase, 0x20002000, 8);
        Number(GsBase, 0x20006000, 8);
        ulong[] selectors = isLong ? [0x33, 0x2B, 0, 0, 0, 0] : [0x23, 0x2B, 0x2B, 0x2B, 0x63, 0x6B];
        for (int i = 0; i < selectors.Length; i++)
        {
            Number(Selectors + i * 2, selectors[i], 2);
        }

        Number(Fcw, 0x37F, 2);
        Number(Mxcsr, 0x1F80, 4);
        for (int i = 0; i < 32; i++)
        {
            image.AsSpan(Vector + i * VectorLength, VectorLength).Fill((byte)(0x10 + i));
        }

        return image;
    }
}
