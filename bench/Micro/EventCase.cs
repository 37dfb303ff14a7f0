using FastVcpu.Bench.Debugging;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Bench.Micro;

/// <summary>Jumps from block to block, each of which looks whether an event waits, on a system vCPU with debugging set in some way.</summary>
sealed class EventCase : MicroCase
{
    const int Copies = 16;

    readonly SystemGuest guest;

    public EventCase(DebugSetting setting)
        : base($"event check, {setting.Name}", "one jump to the next block, long mode")
    {
        Assembler c = new(64);
        Label loop = c.CreateLabel();
        c.Label(ref loop);
        for (int i = 0; i < Copies; i++)
        {
            Label next = c.CreateLabel();
            c.jmp(next);
            c.Label(ref next);
            c.nop();
        }
        c.dec(rdi);
        c.jne(loop);
        c.ret();
        using MemoryStream stream = new();
        c.Assemble(new StreamCodeWriter(stream), 0);
        guest = new SystemGuest(stream.ToArray(), 64);
        setting.Apply(guest.Cpu);
    }

    public override long Run() => guest.Call(Operations / Copies);

    public override void Dispose() => guest.Dispose();
}
