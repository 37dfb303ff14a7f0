using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace FastVcpu.Fuzz.Machines;

/// <summary>All that a run has left of a machine.</summary>
sealed class MachineEnd
{
    const int ImageSize = 4096;

    readonly GeneralRegisters registers;
    readonly SystemRegisters system;
    readonly DebugRegisters debug;
    readonly VcpuEvents events;
    readonly byte[] extended = new byte[ImageSize];
    readonly (uint Index, ulong Value)[] msrs;
    readonly byte[][] memory;

    public MachineEnd(Vcpu cpu, IEnumerable<GuardedMemory> memory, ExitReason reason, long retired)
    {
        (Reason, Retired) = (reason, retired);
        registers = cpu.Registers;
        system = cpu.SystemRegisters;
        debug = cpu.DebugRegisters;
        events = cpu.Events;
        cpu.GetXsave(extended.AsSpan(0, cpu.XsaveSize));
        // The clock has gone on since the machine was made; the time-stamp counter has been set back.
        const uint TscAdjust = 0x3B;
        msrs = [.. cpu.MsrIndices.Where(index => index != TscAdjust).Select(index => (index, cpu.TryGetMsr(index, out ulong value) ? value : 0))];
        this.memory = [.. memory.Select(part => part.GetSpan().ToArray())];
    }

    public ExitReason Reason { get; }

    public long Retired { get; }

    /// <summary>Adds all to a hash.</summary>
    public void AppendTo(IncrementalHash hash)
    {
        hash.AppendData(Encoding.UTF8.GetBytes($"{Reason} {Retired} {registers} {system} {debug} {events} {string.Join(' ', msrs)}"));
        hash.AppendData(extended);
        foreach (byte[] part in memory)
        {
            hash.AppendData(part);
        }
    }

    /// <summary>In what two ends differ; empty when they are the same.</summary>
    public string Differences(MachineEnd other)
    {
        StringBuilder text = new();
        Compare("reason", Reason, other.Reason);
        Compare("retired", Retired, other.Retired);
        Members(registers, other.registers);
        Members(system, other.system);
        Members(debug, other.debug);
        Members(events, other.events);
        Bytes("extended state", extended, other.extended);
        for (int i = 0; i < msrs.Length; i++)
        {
            Compare($"MSR {msrs[i].Index:x}", msrs[i].Value, other.msrs[i].Value);
        }
        for (int i = 0; i < memory.Length; i++)
        {
            Bytes($"memory from {Layout.Slots[i].Start:x} on", memory[i], other.memory[i]);
        }
        return text.ToString();

        void Members<T>(T a, T b)
        {
            if (EqualityComparer<T>.Default.Equals(a, b))
            {
                return;
            }
            foreach (PropertyInfo property in typeof(T).GetProperties().Where(property => property.GetIndexParameters().Length == 0))
            {
                Compare(property.Name, property.GetValue(a), property.GetValue(b));
            }
        }

        void Compare<T>(string name, T a, T b)
        {
            if (!EqualityComparer<T>.Default.Equals(a, b))
            {
                text.Append($"  {name}: {Show(a)}, reference {Show(b)}\n");
            }
        }

        void Bytes(string name, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
        {
            int at = a.CommonPrefixLength(b);
            if (at < a.Length)
            {
                int length = Math.Min(16, a.Length - at);
                text.Append($"  {name}, {at:x}: {Convert.ToHexStringLower(a.Slice(at, length))}, reference {Convert.ToHexStringLower(b.Slice(at, length))}\n");
            }
        }
    }

    static string Show<T>(T value) => value is ulong number ? $"{number:x}" : $"{value}";
}
