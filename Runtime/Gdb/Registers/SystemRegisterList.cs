namespace FastVcpu.Gdb.Registers;

/// <summary>Registers of the operating system: control and debug registers, hidden parts of segments, descriptor tables. Only for machines.</summary>
static class SystemRegisterList
{
    static readonly (string Name, int Number)[] Segments = [("es", 0), ("cs", 1), ("ss", 2), ("ds", 3), ("fs", 4), ("gs", 5)];

    public static void AddTo(RegisterSet set)
    {
        int word = set.Is64 ? 8 : 4;
        Add("cr0", word, r => r.Cr0, (r, v) => r with { Cr0 = v });
        Add("cr2", word, r => r.Cr2, (r, v) => r with { Cr2 = v });
        Add("cr3", word, r => r.Cr3, (r, v) => r with { Cr3 = v });
        Add("cr4", word, r => r.Cr4, (r, v) => r with { Cr4 = v });
        if (set.Is64)
        {
            Add("cr8", word, r => r.Cr8, (r, v) => r with { Cr8 = v });
            Add("efer", word, r => r.Efer, (r, v) => r with { Efer = v });
        }
        foreach ((string name, int number) in Segments)
        {
            // FS and GS have their bases in a feature that gdb knows.
            if (!set.Is64 || number < 4)
            {
                Number($"{name}_base", word, cpu => cpu.Segments[number].Base, (cpu, v) => cpu.Segments[number] = cpu.Segments[number] with { Base = v });
            }
            Number($"{name}_limit", 4, cpu => cpu.Segments[number].Limit, (cpu, v) => cpu.Segments[number] = cpu.Segments[number] with { Limit = (uint)v });
            Number($"{name}_attributes", 4, cpu => cpu.Segments[number].Attributes, (cpu, v) => cpu.Segments[number] = cpu.Segments[number] with { Attributes = (ushort)v });
        }
        Add("gdt_base", word, r => r.Gdt.Base, (r, v) => r with { Gdt = r.Gdt with { Base = v } });
        Add("gdt_limit", 4, r => r.Gdt.Limit, (r, v) => r with { Gdt = r.Gdt with { Limit = (ushort)v } });
        Add("idt_base", word, r => r.Idt.Base, (r, v) => r with { Idt = r.Idt with { Base = v } });
        Add("idt_limit", 4, r => r.Idt.Limit, (r, v) => r with { Idt = r.Idt with { Limit = (ushort)v } });
        Add("ldtr", 4, r => r.Ldt.Selector, (r, v) => r with { Ldt = r.Ldt with { Selector = (ushort)v } });
        Add("tr", 4, r => r.Tr.Selector, (r, v) => r with { Tr = r.Tr with { Selector = (ushort)v } });
        Debug("dr0", d => d.Dr0, (d, v) => d with { Dr0 = v });
        Debug("dr1", d => d.Dr1, (d, v) => d with { Dr1 = v });
        Debug("dr2", d => d.Dr2, (d, v) => d with { Dr2 = v });
        Debug("dr3", d => d.Dr3, (d, v) => d with { Dr3 = v });
        Debug("dr6", d => d.Dr6, (d, v) => d with { Dr6 = (uint)v });
        Debug("dr7", d => d.Dr7, (d, v) => d with { Dr7 = (uint)v });

        void Number(string name, int size, Func<Vcpu, ulong> get, Action<Vcpu, ulong> write) =>
            set.AddNumber(RegisterSet.System, name, size, size == 8 ? "int64" : "int32", "system", get, write);

        void Add(string name, int size, Func<SystemRegisters, ulong> get, Func<SystemRegisters, ulong, SystemRegisters> with) =>
            Number(name, size, cpu => get(cpu.SystemRegisters), (cpu, value) => cpu.SystemRegisters = with(cpu.SystemRegisters, value));

        void Debug(string name, Func<DebugRegisters, ulong> get, Func<DebugRegisters, ulong, DebugRegisters> with) =>
            Number(name, word, cpu => get(cpu.DebugRegisters), (cpu, value) => cpu.DebugRegisters = with(cpu.DebugRegisters, value));
    }
}
