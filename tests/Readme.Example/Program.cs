using FastVcpu;

// mov eax, edi; imul eax, esi; add [rdx], eax; int3
byte[] code = [0x89, 0xF8, 0x0F, 0xAF, 0xC6, 0x01, 0x02, 0xCC];

using AddressSpace space = new();
space.Map(0x10000, 4096, PagePermissions.Read | PagePermissions.Execute);
space.Map(0x20000, 4096, PagePermissions.Read | PagePermissions.Write);
space.Write(0x10000, code);
space.Write(0x20000, 1000);

using Vcpu cpu = new(CpuModel.X86_64_V2, space, CodeSize.Bits64);
cpu.Regs.Rip = 0x10000;
cpu.Regs.Rdi = 6;
cpu.Regs.Rsi = 7;
cpu.Regs.Rdx = 0x20000;

VcpuExit exit = cpu.Run(instructions: 1_000_000);
Console.WriteLine($"{exit.Reason} {exit.Vector} after {exit.InstructionsRetired} instructions: {space.Read<int>(0x20000)}");
