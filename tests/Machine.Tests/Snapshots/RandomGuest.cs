using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FastVcpu.Machine.Tests.Snapshots;

/// <summary>
/// A kernel that does random things with all devices of the PC: port accesses, registers of the interrupt controllers, timers, start-up of the other processor, HLT, and some
/// arithmetic in between. Every interrupt is acknowledged, every exception goes on with the next thing.
/// </summary>
static class RandomGuest
{
    const uint Stack = 0x80000, Gdt = 0x1E000, TableRegister = 0x1F000, Idt = 0x20000, Next = 0x500, Counter = 0x508, Scratch = 0x30000, StartUpPage = 0x1000;
    const uint LocalApic = 0xFEE00000, IoApic = 0xFEC00000, PciWindow = 0xE0000000;
    const int Things = 300, NonMaskable = 2;

    static readonly (ushort First, int Count)[] ports =
    [
        (0x20, 2), (0xA0, 2), (0x4D0, 2), (0x40, 4), (0x61, 1), (0x70, 2), (0x3F8, 8), (0x60, 1), (0x64, 1), (0x600, 4), (0x608, 4), (0x3B4, 2), (0x3C0, 16), (0x3D4, 7), (0x510, 2), (0x80, 1),
    ];

    public static BootMachine Build(int seed, int processors = 2)
    {
        BootMachine machine = new(Options(seed, processors));
        machine.Vm.AddState("metronome", new Metronome(machine.Vm));
        return machine;
    }

    static BootOptions Options(int seed, int processors) => new()
    {
        Kernel = Program(seed),
        Memory = 16 << 20,
        Processors = processors,
        Clock = new InstructionClock(),
        StartTime = new DateTime(2026, 1, 1),
        EntropySeed = (ulong)seed,
        Disk = new OverlayDisk(new MemoryDisk(new byte[64 << 10])),
        SerialOutput = static _ => { },
        CpuModel = CpuModel.Max.Without(CpuFeature.Rdrand, CpuFeature.Rdseed),
    };

    static byte[] Program(int seed)
    {
        Random random = new(seed);
        Assembler c = new(32);
        Label interrupt = c.CreateLabel(), exception = c.CreateLabel(), flat = c.CreateLabel(), again = c.CreateLabel();
        SetUp(c, interrupt, exception, flat);
        c.Label(ref again);
        for (int i = 0; i < Things; i++)
        {
            Label after = c.CreateLabel();
            Address(c, after);
            c.mov(__dword_ptr[Next], eax);
            Thing(c, random);
            c.Label(ref after);
            c.nop();
        }
        c.jmp(again);

        c.Label(ref interrupt);
        c.push(eax);
        c.mov(al, 0x20);
        c.@out(0xA0, al);
        c.@out(0x20, al);
        c.mov(al, 0x0C);
        c.@out(0x70, al);
        c.@in(al, 0x71);
        c.mov(__dword_ptr[LocalApic + 0xB0], 0);
        c.inc(__dword_ptr[Counter]);
        c.pop(eax);
        c.iretd();

        c.Label(ref exception);
        c.mov(esp, Stack);
        c.inc(__dword_ptr[Counter + 4]);
        c.sti();
        c.jmp(__dword_ptr[Next]);

        using MemoryStream stream = new();
        c.Assemble(new StreamCodeWriter(stream), 0x100000);
        return stream.ToArray();
    }

    static void SetUp(Assembler c, Label interrupt, Label exception, Label flat)
    {
        Label entry = c.CreateLabel(), isInterrupt = c.CreateLabel();
        uint[] descriptors = [0, 0, 0x0000FFFF, 0x00CF9A00, 0x0000FFFF, 0x00CF9200];
        for (int i = 0; i < descriptors.Length; i++)
        {
            c.mov(__dword_ptr[Gdt + i * 4], descriptors[i]);
        }
        c.mov(__word_ptr[TableRegister], 0x17);
        c.mov(__dword_ptr[TableRegister + 2], Gdt);
        c.lgdt(__[TableRegister]);
        c.mov(esp, Stack);
        c.mov(eax, 0x10);
        c.mov(ds, eax);
        c.mov(es, eax);
        c.mov(ss, eax);
        Address(c, flat);
        c.push(8);
        c.push(eax);
        c.retf();
        c.Label(ref flat);
        c.mov(ebx, Idt);
        c.xor(ecx, ecx);
        c.Label(ref entry);
        Address(c, interrupt);
        c.cmp(ecx, NonMaskable);
        c.je(isInterrupt);
        c.cmp(ecx, 32);
        c.jae(isInterrupt);
        Address(c, exception);
        c.Label(ref isInterrupt);
        c.mov(edx, eax);
        c.and(edx, 0xFFFF);
        c.or(edx, 0x80000);
        c.mov(__dword_ptr[ebx], edx);
        c.and(eax, 0xFFFF0000);
        c.or(eax, 0x8E00);
        c.mov(__dword_ptr[ebx + 4], eax);
        c.add(ebx, 8);
        c.inc(ecx);
        c.cmp(ecx, 256);
        c.jb(entry);
        c.mov(__word_ptr[TableRegister], 0x7FF);
        c.mov(__dword_ptr[TableRegister + 2], Idt);
        c.lidt(__[TableRegister]);
        // The other processor: cli; xor ax, ax; mov ds, ax; inc word [510h]; hlt with interrupts off would end it, so it goes round.
        c.mov(__dword_ptr[StartUpPage], 0x8EC031FA);
        c.mov(__dword_ptr[StartUpPage + 4], 0x1006FFD8);
        c.mov(__dword_ptr[StartUpPage + 8], 0x90FAEB05);
        (byte Port, byte Value)[] controllers = [(0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0xA0, 0x11), (0xA1, 0x28), (0xA1, 2), (0xA1, 1), (0x21, 0), (0xA1, 0), (0x43, 0x34), (0x40, 0), (0x40, 9)];
        foreach ((byte port, byte value) in controllers)
        {
            c.mov(al, value);
            c.@out(port, al);
        }
        c.mov(__dword_ptr[LocalApic + 0xF0], 0x1FF);
        c.mov(eax, 0x600);
        c.mov(cr4, eax);
        c.sti();
    }

    /// <summary>EAX: the address of a jump to a label.</summary>
    static void Address(Assembler c, Label target)
    {
        Label pop = c.CreateLabel();
        c.call(pop);
        c.jmp(target);
        c.Label(ref pop);
        c.pop(eax);
    }

    static void Thing(Assembler c, Random random)
    {
        switch (random.Next(14))
        {
            case 0 or 1 or 2:
                Port(c, random);
                break;
            case 3 or 4:
                ApicRegister(c, random);
                break;
            case 5:
                c.mov(__dword_ptr[IoApic], 0x10 + random.Next(48));
                c.mov(__dword_ptr[IoApic + 0x10], (uint)(random.Next(2) * 0x8000 + random.Next(4) * 0x400 + 0x50 + random.Next(32)));
                break;
            case 6:
                c.mov(eax, 0x80000000u | (uint)random.Next(5) << 11 | (uint)random.Next(64) << 2);
                c.mov(edx, 0xCF8);
                c.@out(dx, eax);
                c.mov(dl, 0xFC);
                c.mov(eax, random.Next());
                if (random.Next(3) == 0)
                {
                    c.@out(dx, eax);
                }
                c.@in(eax, dx);
                c.mov(__dword_ptr[Scratch + random.Next(0x1000)], eax);
                break;
            case 7:
                c.mov(__dword_ptr[PciWindow + (uint)random.Next(0x8000 / 4) * 4], (uint)random.Next(random.Next(4) == 0 ? int.MaxValue : 16));
                c.mov(eax, __dword_ptr[PciWindow + (uint)random.Next(0x40 / 4) * 4]);
                c.xor(__dword_ptr[Scratch + random.Next(0x1000)], eax);
                break;
            case 8:
                c.sti();
                c.hlt();
                break;
            case 9:
                c.rdtsc();
                c.add(__dword_ptr[Scratch + random.Next(0x10000)], eax);
                c.pushfd();
                c.pop(__dword_ptr[Scratch + random.Next(0x10000)]);
                break;
            case 10:
                c.fld1();
                c.fldpi();
                c.faddp(st1, st0);
                c.fstp(__qword_ptr[Scratch + random.Next(0x1000)]);
                c.movd(xmm3, eax);
                c.paddd(xmm4, xmm3);
                c.movups(__xmmword_ptr[Scratch + random.Next(0x2000)], xmm4);
                break;
            case 11:
                c.mov(ecx, random.Next(1, 2000));
                Label loop = c.CreateLabel();
                c.Label(ref loop);
                c.imul(eax, eax, 1664525);
                c.add(eax, 1013904223);
                c.dec(ecx);
                c.jnz(loop);
                break;
            case 12:
                if (random.Next(4) == 0)
                {
                    c.ud2();
                }
                else
                {
                    c.mov(__word_ptr[0xB8000 + random.Next(4000)], random.Next(0x10000));
                }
                break;
            default:
                if (random.Next(2) == 0)
                {
                    c.cli();
                }
                else
                {
                    c.sti();
                }
                break;
        }
    }

    /// <summary>Nothing that resets or switches off.</summary>
    static void Port(Assembler c, Random random)
    {
        (ushort first, int count) = ports[random.Next(ports.Length)];
        int port = first + random.Next(count), value = random.Next(256);
        value = port switch { 0x60 => value | 1, 0x64 => value % 0xD1, _ => value };
        c.mov(edx, (uint)port);
        if (random.Next(3) == 0)
        {
            c.@in(al, dx);
            c.xor(__byte_ptr[Scratch + random.Next(0x1000)], al);
            return;
        }
        c.mov(al, (byte)value);
        c.@out(dx, al);
    }

    static void ApicRegister(Assembler c, Random random)
    {
        (uint Register, uint Value)[] writes =
        [
            (0x80, (uint)random.Next(4) * 0x10), (0x320, (uint)(random.Next(2) * 0x20000 + 0x40 + random.Next(16))), (0x380, (uint)random.Next(100, 20000)), (0x3E0, (uint)random.Next(16)),
            (0x300, 0x40040u + (uint)random.Next(16)), (0x300, 0xC4500), (0x300, 0xC4601), (0x300, 0xC4400), (0x350, 0x700), (0x360, 0x400), (0xD0, (uint)random.Next(256) << 24), (0x280, 0),
        ];
        (uint register, uint value) = writes[random.Next(writes.Length)];
        c.mov(__dword_ptr[LocalApic + register], value);
        c.mov(eax, __dword_ptr[LocalApic + (uint)random.Next(64) * 16]);
        c.xor(__dword_ptr[Scratch + random.Next(0x1000)], eax);
    }

    /// <summary>A device of the embedder's: an NMI now and then, so that a processor that waits for nothing goes on.</summary>
    sealed class Metronome : IStateful
    {
        const long Interval = 7_777;

        readonly ClockTimer timer;

        public Metronome(VirtualMachine vm)
        {
            timer = vm.Clock.CreateTimer(() =>
            {
                vm.Vcpus[0].Nmi();
                timer!.Set(vm.Clock.Now + Interval);
            });
            timer.Set(Interval);
        }

        public void Transfer(StateTransfer state) => state.Timer(timer);
    }
}
