using System.Net.Sockets;
using System.Text;

namespace FastVcpu.Gdb.Tests;

/// <summary>A client that speaks the protocol by hand.</summary>
sealed class Client : IDisposable
{
    readonly TcpClient connection;
    readonly NetworkStream stream;

    public Client(int port)
    {
        connection = new TcpClient("127.0.0.1", port);
        stream = connection.GetStream();
        stream.ReadTimeout = (int)Background.Patience.TotalMilliseconds;
    }

    /// <summary>Sends a packet and returns the answer.</summary>
    public string Ask(string packet)
    {
        Send(packet);
        return Receive();
    }

    public void Send(string packet) => SendRaw(Frame(Encoding.Latin1.GetBytes(packet)));

    public void SendRaw(ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    public static byte[] Frame(ReadOnlySpan<byte> data)
    {
        int sum = 0;
        foreach (byte value in data)
        {
            sum += value;
        }
        return [(byte)'$', .. data, .. Encoding.ASCII.GetBytes($"#{sum & 0xFF:x2}")];
    }

    /// <summary>The next packet; acknowledgements are passed over.</summary>
    public string Receive()
    {
        int value;
        do
        {
            value = Next();
        }
        while (value != '$');
        StringBuilder text = new();
        while ((value = Next()) != '#')
        {
            text.Append((char)(value == '}' ? Next() ^ 0x20 : value));
        }
        Next();
        Next();
        return text.ToString();
    }

    /// <summary>The answer of a monitor command.</summary>
    public string Monitor(string command)
    {
        StringBuilder text = new();
        string reply = Ask("qRcmd," + Convert.ToHexString(Encoding.ASCII.GetBytes(command)));
        for (; reply is ['O', .. var hex] && reply != "OK"; reply = Receive())
        {
            text.Append(Encoding.UTF8.GetString(Convert.FromHexString(hex)));
        }
        Assert.Equal("OK", reply);
        return text.ToString();
    }

    public void Dispose() => connection.Dispose();

    int Next()
    {
        int value = stream.ReadByte();
        return value >= 0 ? value : throw new EndOfStreamException();
    }
}
