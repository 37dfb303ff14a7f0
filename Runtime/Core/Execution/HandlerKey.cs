using FastVcpu.Memory;

namespace FastVcpu.Execution;

/// <summary>Names one compiled handler: a form of the specification and the choices that decoding made for it.</summary>
/// <param name="Value">The packed fields.</param>
readonly record struct HandlerKey(uint Value)
{
    /// <param name="form">Number of the form in the generated tables.</param>
    /// <param name="width">Operand width: 0 = 16, 1 = 32, 2 = 64 bits; 0 for forms of one width.</param>
    /// <param name="isMemory">The memory form of an operand that may be register or memory.</param>
    /// <param name="address">Address kind of a memory operand.</param>
    /// <param name="stack">Stack kind of a form that pushes or pops.</param>
    /// <param name="flavour">Flavour.</param>
    public HandlerKey(int form, int width, bool isMemory, AddressKind address, StackKind stack, Flavour flavour)
        : this((uint)form | (uint)width << 16 | (isMemory ? 1u : 0) << 18 | (uint)address << 19 | (uint)stack << 22 | (uint)flavour << 24)
    {
    }

    public int Form => (int)(Value & 0xFFFF);
    public int Width => (int)(Value >> 16 & 3);
    public bool IsMemory => (Value >> 18 & 1) != 0;
    public AddressKind Address => (AddressKind)(Value >> 19 & 7);
    public StackKind Stack => (StackKind)(Value >> 22 & 3);
    public Flavour Flavour => (Flavour)(Value >> 24 & 3);

    /// <summary>The same handler in another flavour.</summary>
    public HandlerKey With(Flavour flavour) => new(Value & ~(3u << 24) | (uint)flavour << 24);
}
