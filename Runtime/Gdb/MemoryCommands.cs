using FastVcpu.Gdb.Protocol;

namespace FastVcpu.Gdb;

/// <summary>m, M, x, X: memory.</summary>
sealed class MemoryCommands(World world, ThreadSelection threads)
{
    /// <summary>The most bytes of one answer.</summary>
    const int MaxBytes = (PacketStream.MaxLength - 16) / 2;

    public string? Reply(string text, byte[] packet, PacketStream stream)
    {
        if (threads.General is not { Cpu: var cpu })
        {
            return Session.Error;
        }
        int colon = text.IndexOf(':');
        ReadOnlySpan<char> range = text.AsSpan(1, (colon < 0 ? text.Length : colon) - 1);
        if (!Hex.TryPair(range, ',', out ulong address, out ulong length))
        {
            return Session.Error;
        }
        switch (text[0])
        {
            case 'm':
                return Read(cpu, address, length) is { } bytes ? Hex.Text(bytes) : Session.Error;
            case 'x':
                if (Read(cpu, address, length) is not { } binary)
                {
                    return Session.Error;
                }
                stream.Send([(byte)'b', .. binary]);
                return null;
            case 'M':
                return colon >= 0 && Hex.TryBytes(text.AsSpan(colon + 1), out byte[] data) ? Write(cpu, address, length, data) : Session.Error;
            default:
                return colon >= 0 ? Write(cpu, address, length, packet[(colon + 1)..]) : Session.Error;
        }
    }

    byte[]? Read(Vcpu cpu, ulong address, ulong length)
    {
        byte[] bytes = new byte[(int)Math.Min(length, MaxBytes)];
        int count = world.Memory.ReadSome(cpu, address, bytes);
        if (count == 0 && bytes.Length > 0)
        {
            return null;
        }
        bytes = bytes[..count];
        world.Software.Hide(address, bytes, world.Memory.IsPhysical);
        return bytes;
    }

    string Write(Vcpu cpu, ulong address, ulong length, byte[] data)
    {
        if (length != (ulong)data.Length)
        {
            return Session.Error;
        }
        byte[] plain = [.. data];
        world.Software.Keep(address, data, world.Memory.IsPhysical);
        if (world.Memory.TryWrite(cpu, address, data))
        {
            return Session.Done;
        }
        world.Software.Keep(address, plain, world.Memory.IsPhysical);
        return Session.Error;
    }
}
