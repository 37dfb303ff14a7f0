using System.Diagnostics;
using System.Globalization;

namespace FastVcpu.Bench.Snapshots;

/// <summary>
/// <c>instances [N]</c>: N machines of 512 MiB in this process, all from one snapshot whose memory is half full; each runs and writes to ten pages. Prints what they take together, and
/// how long it takes to go back.
/// </summary>
static class InstancesCommand
{
    const ulong Memory = 512 << 20, Full = 256 << 20, Start = 0x1000, Written = 0x20000, Page = 4096;
    const int Pages = 10, ManyPages = 100, DefaultCount = 1000;

    public static int Run(string[] words)
    {
        int count = words.Length == 0 ? DefaultCount : int.Parse(words[0], CultureInfo.InvariantCulture);
        using VirtualMachine first = Create();
        Fill(first);
        using MachineSnapshot snapshot = first.TakeSnapshot();
        long before = Resident();
        List<VirtualMachine> machines = [];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            VirtualMachine machine = Create();
            machines.Add(machine);
            machine.Restore(snapshot);
            machine.Vcpus[0].Regs.Rbx = (ulong)i;
            VcpuExit exit = machine.Vcpus[0].Run(1000);
            if (exit.Reason != ExitReason.Hlt)
            {
                throw new InvalidOperationException($"Instance {i} ended with {exit.Reason}.");
            }
        }
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long after = Resident();
        Check(machines);
        Console.WriteLine($"{count} machines of {Memory >> 20} MiB from one snapshot with {Full >> 20} MiB in use; each has run and written {Pages} pages");
        Console.WriteLine($"resident memory before   {before >> 20,8} MiB (with the first machine and the snapshot)");
        Console.WriteLine($"resident memory after    {after >> 20,8} MiB");
        Console.WriteLine($"each instance            {(after - before) / count >> 10,8} KiB");
        Console.WriteLine($"without sharing          {(long)(Memory >> 20) * count,8} MiB");
        Console.WriteLine($"creation and first run   {time.TotalMicroseconds / count,8:F0} µs each");
        foreach (int pages in new[] { ManyPages, Pages })
        {
            (double early, double later) = GoBack(machines[0], snapshot, pages);
            Console.WriteLine($"going back, {pages,3} pages    {later,8:F1} µs (the first times {early:F1} µs)");
        }
        machines.ForEach(machine => machine.Dispose());
        return 0;
    }

    static VirtualMachine Create()
    {
        VirtualMachine vm = new(new InstructionClock());
        vm.AllocateMemory(0, 0, Memory);
        Vcpu cpu = vm.CreateVcpu(CpuModel.X86_64_V2);
        // mov cx, 10; mov ax, 2000h; next: mov ds, ax; mov [0], bx; add ax, 100h; loop next; hlt
        vm.TryWritePhysical(Start, [0xB9, Pages, 0, 0xB8, 0, 0x20, 0x8E, 0xD8, 0x89, 0x1E, 0, 0, 0x05, 0, 1, 0xE2, 0xF5, 0xF4]);
        cpu.Segments.Cs = cpu.Segments.Cs with { Selector = 0, Base = 0 };
        cpu.Regs.Rip = Start;
        return vm;
    }

    static void Fill(VirtualMachine vm)
    {
        byte[] data = new byte[1 << 20];
        Random random = new(1);
        for (ulong at = 1 << 20; at < Full; at += (ulong)data.Length)
        {
            random.NextBytes(data);
            vm.TryWritePhysical(at, data);
        }
    }

    /// <summary>Nobody sees what another one has written.</summary>
    static void Check(List<VirtualMachine> machines)
    {
        byte[] word = new byte[2];
        for (int i = 0; i < machines.Count; i++)
        {
            if (!machines[i].TryReadPhysical(Written + (Pages - 1) * Page, word) || BitConverter.ToUInt16(word) != (ushort)i)
            {
                throw new InvalidOperationException($"Instance {i} has lost what it wrote.");
            }
        }
    }

    /// <summary>Medians of restoring the whole machine after writes to so many pages: at first, and when the runtime has compiled what runs often a second time.</summary>
    static (double First, double Later) GoBack(VirtualMachine vm, MachineSnapshot snapshot, int pages)
    {
        const int Rounds = 20_000, First = 300, Later = 10_000;
        double[] times = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < pages; i++)
            {
                vm.TryWritePhysical(Written + (ulong)(i * 37) * Page, [(byte)round]);
            }
            long start = Stopwatch.GetTimestamp();
            vm.Restore(snapshot);
            times[round] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
        return (Median(times.Take(First)), Median(times.Skip(Rounds - Later)));
    }

    static double Median(IEnumerable<double> times) => times.Order().ElementAt(times.Count() / 2);

    static long Resident()
    {
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
