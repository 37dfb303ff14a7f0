namespace FastVcpu.Execution;

/// <summary>How a handler is compiled. Each handler text exists once; the flavour is a type argument whose members are constants.</summary>
interface IFlavour
{
    /// <summary>Memory is reached through the TLBs only; a miss restarts the instruction through <see cref="Miss"/>.</summary>
    static abstract bool IsFast { get; }
    /// <summary>The flags that the instruction writes are stored. Otherwise a later instruction overwrites them before anybody can look.</summary>
    static abstract bool StoresFlags { get; }
    /// <summary>The read-modify-write of memory is atomic.</summary>
    static abstract bool IsLocked { get; }
}

/// <summary>The flavours' numbers in a <see cref="HandlerKey"/>.</summary>
enum Flavour
{
    Fast,
    FastDeadFlags,
    Careful,
    Locked,
}

/// <summary>The usual one.</summary>
readonly struct Fast : IFlavour
{
    public static bool IsFast => true;
    public static bool StoresFlags => true;
    public static bool IsLocked => false;
}

/// <summary>As <see cref="Fast"/>, for flags that nobody will see.</summary>
readonly struct FastDeadFlags : IFlavour
{
    public static bool IsFast => true;
    public static bool StoresFlags => false;
    public static bool IsLocked => false;
}

/// <summary>Every access takes the full path: page-crossing, MMIO, pages with code, alignment checks.</summary>
readonly struct Careful : IFlavour
{
    public static bool IsFast => false;
    public static bool StoresFlags => true;
    public static bool IsLocked => false;
}

/// <summary>As <see cref="Careful"/>, atomic.</summary>
readonly struct Locked : IFlavour
{
    public static bool IsFast => false;
    public static bool StoresFlags => true;
    public static bool IsLocked => true;
}
