using System.Text;
using FastVcpu.Gdb.Protocol;
using FastVcpu.Gdb.Registers;

namespace FastVcpu.Gdb;

/// <summary>g, G, p, P: registers.</summary>
sealed class RegisterCommands(RegisterSet set, ThreadSelection threads)
{
    public string Reply(string text)
    {
        if (threads.General is not { Cpu: var cpu })
        {
            return Session.Error;
        }
        return text[0] switch
        {
            'g' => ReadAll(cpu),
            'G' => WriteAll(cpu, text),
            'p' => Read(cpu, text),
            _ => Write(cpu, text),
        };
    }

    /// <summary>The registers that every stop reply carries, so that the client need not ask.</summary>
    public string Expedited(Vcpu cpu) =>
        string.Concat(new[] { set.FramePointer, set.StackPointer, set.ProgramCounter }.Select(number => $"{number:x2}:{Text(cpu, set.All[number])};"));

    string ReadAll(Vcpu cpu)
    {
        StringBuilder text = new();
        for (int i = 0; i < set.GeneralCount; i++)
        {
            text.Append(Text(cpu, set.All[i]));
        }
        return text.ToString();
    }

    string WriteAll(Vcpu cpu, string text)
    {
        if (!Hex.TryBytes(text.AsSpan(1), out byte[] bytes) || bytes.Length != set.All.Take(set.GeneralCount).Sum(register => register.Size))
        {
            return Session.Error;
        }
        int at = 0;
        Span<byte> buffer = stackalloc byte[set.All.Max(register => register.Size)];
        for (int i = 0; i < set.GeneralCount; i++)
        {
            Register register = set.All[i];
            ReadOnlySpan<byte> value = bytes.AsSpan(at, register.Size);
            Span<byte> old = buffer[..register.Size];
            register.Read(cpu, old);
            if (!value.SequenceEqual(old))
            {
                register.Write(cpu, value);
            }
            at += register.Size;
        }
        return Session.Done;
    }

    string Read(Vcpu cpu, string text) =>
        Hex.TryNumber(text.AsSpan(1), out ulong number) && number < (ulong)set.All.Count ? Text(cpu, set.All[(int)number]) : Session.Error;

    string Write(Vcpu cpu, string text)
    {
        int equals = text.IndexOf('=');
        if (equals < 0
            || !Hex.TryNumber(text.AsSpan(1, equals - 1), out ulong number) || number >= (ulong)set.All.Count
            || !Hex.TryBytes(text.AsSpan(equals + 1), out byte[] bytes) || bytes.Length != set.All[(int)number].Size)
        {
            return Session.Error;
        }
        set.All[(int)number].Write(cpu, bytes);
        return Session.Done;
    }

    static string Text(Vcpu cpu, Register register)
    {
        Span<byte> value = stackalloc byte[register.Size];
        register.Read(cpu, value);
        return Hex.Text(value);
    }
}
