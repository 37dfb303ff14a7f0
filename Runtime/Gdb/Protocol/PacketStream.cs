using System.Text;

namespace FastVcpu.Gdb.Protocol;

/// <summary>
/// Packets on a byte stream: <c>$data#checksum</c>, acknowledged until both sides agree not to, and the interrupt byte between them. What is
/// no packet is skipped; a packet longer than <see cref="MaxLength"/> is refused, so that no client takes memory.
/// </summary>
sealed class PacketStream(Stream input, Stream output)
{
    /// <summary>The longest packet, in bytes.</summary>
    public const int MaxLength = 0x4000;

    const byte InterruptByte = 3, EscapeByte = (byte)'}', EscapeBit = 0x20;

    readonly byte[] buffer = new byte[4096];
    readonly Lock sending = new();
    int position, length;

    /// <summary>Packets are answered with + or -.</summary>
    public bool Acknowledges { get; set; } = true;

    /// <summary>The next packet's bytes, escapes resolved; empty for the interrupt byte (<paramref name="isInterrupt"/>); null at the end of the stream.</summary>
    public byte[]? Receive(out bool isInterrupt)
    {
        isInterrupt = false;
        while (true)
        {
            int first = Next();
            switch (first)
            {
                case < 0:
                    return null;
                case InterruptByte:
                    isInterrupt = true;
                    return [];
                case '$':
                    if (ReceiveBody(out bool isGood) is not { } packet)
                    {
                        return null;
                    }
                    if (Acknowledges)
                    {
                        SendByte(isGood ? '+' : '-');
                    }
                    if (isGood)
                    {
                        return packet;
                    }
                    break;
            }
        }
    }

    /// <summary>Sends a packet of ASCII text.</summary>
    public void Send(string text) => Send(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends a packet of bytes, which are escaped as needed.</summary>
    public void Send(ReadOnlySpan<byte> data)
    {
        List<byte> packet = new(data.Length + 4) { (byte)'$' };
        int sum = 0;
        foreach (byte value in data)
        {
            if (value is (byte)'$' or (byte)'#' or EscapeByte or (byte)'*')
            {
                packet.Add(EscapeByte);
                packet.Add((byte)(value ^ EscapeBit));
                sum += EscapeByte + (value ^ EscapeBit);
            }
            else
            {
                packet.Add(value);
                sum += value;
            }
        }
        packet.AddRange(Encoding.ASCII.GetBytes($"#{sum & 0xFF:x2}"));
        lock (sending)
        {
            output.Write([.. packet]);
            output.Flush();
        }
    }

    byte[]? ReceiveBody(out bool isGood)
    {
        isGood = false;
        List<byte> data = [];
        int sum = 0;
        bool escaped = false, tooLong = false;
        while (true)
        {
            int value = Next();
            if (value < 0)
            {
                return null;
            }
            if (value == '#')
            {
                break;
            }
            if (value == '$')
            {
                // A new packet begins in the middle of a broken one.
                data.Clear();
                (sum, escaped, tooLong) = (0, false, false);
                continue;
            }
            sum += value;
            if (value == EscapeByte && !escaped)
            {
                escaped = true;
                continue;
            }
            tooLong |= data.Count == MaxLength;
            if (!tooLong)
            {
                data.Add((byte)(escaped ? value ^ EscapeBit : value));
            }
            escaped = false;
        }
        int high = Next(), low = Next();
        if (low < 0)
        {
            return null;
        }
        isGood = !tooLong && Digit(high) >= 0 && Digit(low) >= 0 && (Digit(high) << 4 | Digit(low)) == (sum & 0xFF);
        return [.. data];
    }

    int Next()
    {
        if (position == length)
        {
            position = 0;
            length = input.Read(buffer);
            if (length <= 0)
            {
                length = 0;
                return -1;
            }
        }
        return buffer[position++];
    }

    void SendByte(char value)
    {
        lock (sending)
        {
            output.WriteByte((byte)value);
            output.Flush();
        }
    }

    static int Digit(int value) => value switch
    {
        >= '0' and <= '9' => value - '0',
        >= 'a' and <= 'f' => value - 'a' + 10,
        >= 'A' and <= 'F' => value - 'A' + 10,
        _ => -1,
    };
}
