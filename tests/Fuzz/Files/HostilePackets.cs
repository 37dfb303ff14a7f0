using System.Text;
using FastVcpu.Gdb;

namespace FastVcpu.Fuzz.Files;

/// <summary>A client of the gdb server that sends damaged packets to a machine in real mode that runs.</summary>
sealed class HostilePackets : HostileFile
{
    const string Letters = "?gGpPmMxXzZcCsSHTDqQvk!Rr0123456789abcdef:;,=.-pContRcmdXferSupported#$}*";
    const int Slice = 1000, Packets = 60;
    const ulong Memory = 1 << 20;
    const ushort Code = 0x1000;

    static readonly string[] packets =
    [
        "?", "g", "G" + new string('0', 500), "p0", "P0=00000001", "m1000,4", "M1000,2:9090", "x1000,10", "X1000,2:ab", "Z0,1000,1", "z0,1000,1", "Z1,1002,1", "Z2,2000,4", "Z3,2000,2", "Z4,2000,1", "z2,2000,4",
        "c", "s", "C05", "S05", "Hg0", "Hc-1", "Hgp1.1", "T1", "Tp1.1", "vCont?", "vCont;c", "vCont;s:1", "vCont;C05:p1.1;c", "vCont;r1000,1010:1", "qSupported:swbreak+;hwbreak+;multiprocess+",
        "qXfer:features:read:target.xml:0,1000", "qXfer:memory-map:read::0,1000", "qXfer:auxv:read::0,1000", "qRcmd,68656c70", "qRcmd,696e666f20726567697374657273", "qfThreadInfo", "qsThreadInfo", "qThreadExtraInfo,1", "qC",
        "qAttached", "QStartNoAckMode", "QPassSignals:5;b", "Qqemu.sstep=7", "Qqemu.PhyMemMode:1", "qSymbol::", "vFile:open:2f,0,0", "vMustReplyEmpty", "vKill;1", "D", "k",
    ];

    public override string Take(Random random)
    {
        using MemoryStream input = Stream(random), output = new();
        Serve(random, input, output);
        return "served";
    }

    /// <summary>What a client sends.</summary>
    public static MemoryStream Stream(Random random)
    {
        MemoryStream input = new();
        for (int i = 0; i < Packets; i++)
        {
            byte[] packet = Packet(random);
            input.Write([(byte)'$', .. packet]);
            int sum = random.Next(32) == 0 ? random.Next(256) : packet.Sum(value => value) & 0xFF;
            input.Write(Encoding.ASCII.GetBytes($"#{sum:x2}"));
            if (random.Next(2) == 0)
            {
                input.WriteByte(3);
            }
        }
        input.Position = 0;
        return input;
    }

    static byte[] Packet(Random random)
    {
        if (random.Next(3) != 0)
        {
            string packet = packets[random.Next(packets.Length - (random.Next(8) == 0 ? 0 : 3))];
            return random.Next(4) == 0 ? Encoding.Latin1.GetBytes(packet) : Mutation.OfText(packet, random);
        }
        byte[] bytes = new byte[random.Next(1, 40)];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = random.Next(10) == 0 ? (byte)random.Next(256) : (byte)Letters[random.Next(Letters.Length)];
        }
        return bytes;
    }

    static void Serve(Random random, Stream input, Stream output)
    {
        using VirtualMachine vm = new(new InstructionClock());
        vm.AllocateMemory(0, 0, Memory);
        // inc eax, jmp to it
        vm.TryWritePhysical(Code, [0x66, 0x40, 0xEB, 0xFC]);
        Vcpu[] cpus = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => vm.CreateVcpu(CpuModel.Max))];
        using GdbServer server = new(new GdbOptions { Machine = vm, Is64Bit = random.Next(2) == 0 });
        bool isEnding = false;
        Exception? failure = null;
        Thread[] threads = [.. cpus.Select(cpu => new Thread(() =>
        {
            try
            {
                while (!Volatile.Read(ref isEnding))
                {
                    server.Run(cpu, Slice);
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
        }) { IsBackground = true })];
        for (int i = 0; i < cpus.Length; i++)
        {
            foreach (int segment in Enumerable.Range(0, 6))
            {
                cpus[i].Segments.SetReal(segment, 0);
            }
            cpus[i].Regs.Rip = Code;
            threads[i].Start();
        }
        server.ServeClient(input, output);
        Volatile.Write(ref isEnding, true);
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        if (failure != null)
        {
            throw new InvalidDataException("A thread of the guest has failed.", failure);
        }
    }
}
