namespace FastVcpu.Gdb.Registers;

/// <summary>The x87 unit as gdb sees it: the stack relative to TOP, and the environment.</summary>
static class X87Registers
{
    const int Registers = 8, Size = 10, TopShift = 11, TopMask = 7;

    public static void AddTo(List<Register> all)
    {
        for (int i = 0; i < Registers; i++)
        {
            int number = i;
            all.Add(new Register(RegisterSet.Core, $"st{i}", Size, "i387_ext", null,
                (cpu, bytes) => Physical(cpu, number).CopyTo(bytes), (cpu, bytes) => bytes.CopyTo(Physical(cpu, number))));
        }
        Add("fctrl", cpu => cpu.Fpu.ControlWord, (cpu, value) => cpu.Fpu.ControlWord = (ushort)value);
        Add("fstat", cpu => cpu.Fpu.StatusWord, (cpu, value) => cpu.Fpu.StatusWord = (ushort)value);
        Add("ftag", FullTag, (cpu, value) => cpu.Fpu.AbridgedTag = Abridge((ushort)value));
        Add("fiseg", _ => 0, (_, _) => { });
        Add("fioff", cpu => cpu.Fpu.LastInstructionPointer, (cpu, value) => cpu.Fpu.LastInstructionPointer = value);
        Add("foseg", _ => 0, (_, _) => { });
        Add("fooff", cpu => cpu.Fpu.LastDataPointer, (cpu, value) => cpu.Fpu.LastDataPointer = value);
        Add("fop", cpu => cpu.Fpu.LastOpcode, (cpu, value) => cpu.Fpu.LastOpcode = (ushort)value);

        void Add(string name, Func<Vcpu, ulong> get, Action<Vcpu, ulong> set) => all.Add(new Register(RegisterSet.Core, name, 4, "int", "float",
            (cpu, bytes) => RegisterSet.Put(bytes, get(cpu)), (cpu, bytes) => set(cpu, RegisterSet.Take(bytes))));
    }

    static Span<byte> Physical(Vcpu cpu, int number) => cpu.Fpu.Register((number + (cpu.Fpu.StatusWord >> TopShift)) & TopMask);

    /// <summary>The tag word of 16 bits (SDM Vol. 1 8.1.7): 0 valid, 1 zero, 2 special, 3 empty.</summary>
    static ulong FullTag(Vcpu cpu)
    {
        ulong tag = 0;
        for (int i = 0; i < Registers; i++)
        {
            ReadOnlySpan<byte> value = cpu.Fpu.Register(i);
            ulong significand = RegisterSet.Take(value[..8]), exponent = RegisterSet.Take(value[8..]) & 0x7FFF;
            ulong kind = (cpu.Fpu.AbridgedTag >> i & 1) == 0 ? 3UL
                : exponent == 0 && significand == 0 ? 1UL
                : exponent is 0 or 0x7FFF || (long)significand >= 0 ? 2UL
                : 0;
            tag |= kind << (i * 2);
        }
        return tag;
    }

    static byte Abridge(ushort tag)
    {
        int abridged = 0;
        for (int i = 0; i < Registers; i++)
        {
            abridged |= (tag >> (i * 2) & 3) != 3 ? 1 << i : 0;
        }
        return (byte)abridged;
    }
}
