using System.Text;

namespace FastVcpu.Cli.Reporting;

/// <summary>The state of a machine's processor, for people: registers of the program and of the system, and the instruction it stands at.</summary>
static class MachineReport
{
    const ulong ProtectionEnable = 1, LongModeActive = 1 << 10;
    const int LongMode = 1 << 13, DefaultBig = 1 << 14;

    static readonly string[] Names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"];

    public static string Of(Vcpu cpu)
    {
        SystemRegisters system = cpu.SystemRegisters;
        bool is64 = (system.Efer & LongModeActive) != 0 && (system.Cs.Attributes & LongMode) != 0;
        int bits = is64 ? 64 : (system.Cr0 & ProtectionEnable) != 0 && (system.Cs.Attributes & DefaultBig) != 0 ? 32 : 16;
        StringBuilder text = new();
        text.Append($"  at {system.Cs.Selector:x4}:{cpu.Regs.Rip:x} ({bits} bits): {Instruction(cpu, system.Cs.Base, bits)}\n");
        for (int i = 0; i < 16; i++)
        {
            text.Append($"  {Names[i]} {cpu.Regs[i]:x16}").Append(i % 4 == 3 ? "\n" : "");
        }
        text.Append($"  rflags {cpu.Regs.Rflags:x8}  cr0 {system.Cr0:x8}  cr2 {system.Cr2:x}  cr3 {system.Cr3:x}  cr4 {system.Cr4:x8}  efer {system.Efer:x4}\n");
        foreach ((string name, SegmentRegister segment) in new[] { ("cs", system.Cs), ("ss", system.Ss), ("ds", system.Ds), ("es", system.Es), ("fs", system.Fs), ("gs", system.Gs), ("tr", system.Tr) })
        {
            text.Append($"  {name} {segment.Selector:x4} base {segment.Base:x} limit {segment.Limit:x} attributes {segment.Attributes:x4}\n");
        }
        return text.Append($"  gdt {system.Gdt.Base:x} limit {system.Gdt.Limit:x4}  idt {system.Idt.Base:x} limit {system.Idt.Limit:x4}").ToString();
    }

    static string Instruction(Vcpu cpu, ulong codeBase, int bits)
    {
        ulong linear = bits == 64 ? cpu.Regs.Rip : (uint)(codeBase + cpu.Regs.Rip);
        Span<byte> code = stackalloc byte[Disassembly.LongestInstruction];
        int length = 0;
        while (length < code.Length && cpu.TryReadLinear(linear + (ulong)length, code.Slice(length, 1)))
        {
            length++;
        }
        return length == 0 ? "no memory" : Disassembly.First(code[..length], bits, cpu.Regs.Rip);
    }
}
