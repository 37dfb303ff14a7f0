using System.Net.Sockets;
using FastVcpu.Gdb;
using FastVcpu.Machine.Devices;

namespace FastVcpu.Cli.Booting;

/// <summary>What `--serial` connects the first serial port to.</summary>
sealed class SerialPlace : IDisposable
{
    /// <summary>Standard input and output.</summary>
    public const string Standard = "stdio";

    const string FilePrefix = "file:", SocketPrefix = "socket:";

    readonly Stream? owned;
    readonly Terminal? terminal;

    SerialPlace(Stream input, Stream output, Stream? owned, Terminal? terminal)
    {
        this.owned = owned;
        this.terminal = terminal;
        Line = new SerialLine(input, output);
    }

    public SerialLine Line { get; }

    /// <summary>Standard input is a person's.</summary>
    public bool IsTerminal => terminal != null;

    /// <summary>It is standard input and output, where Ctrl-A means something.</summary>
    public bool IsStandard => owned == null;

    /// <summary>Opens `stdio`, `file:PATH` or `socket:PATH|PORT`.</summary>
    public static SerialPlace Open(string text)
    {
        if (text == Standard)
        {
            return new SerialPlace(Console.OpenStandardInput(), Console.OpenStandardOutput(), null, Console.IsInputRedirected ? null : new Terminal());
        }
        try
        {
            Stream stream = text.StartsWith(FilePrefix, StringComparison.Ordinal) ? File.Create(text[FilePrefix.Length..])
                : text.StartsWith(SocketPrefix, StringComparison.Ordinal) ? Accept(text[SocketPrefix.Length..])
                : throw new InputException($"'{text}' is nothing that a serial port can be connected to; write stdio, file:PATH or socket:PATH|PORT.");
            return new SerialPlace(stream is FileStream ? Stream.Null : stream, stream, stream, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SocketException or FormatException or ArgumentException)
        {
            throw new InputException($"'{text}' cannot be opened: {error.Message}");
        }
    }

    public void Dispose()
    {
        Line.Dispose();
        owned?.Dispose();
        terminal?.Dispose();
    }

    static NetworkStream Accept(string place)
    {
        System.Net.EndPoint endPoint = GdbServer.Parse(place);
        using Socket listener = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(endPoint);
        listener.Listen(1);
        Console.Error.WriteLine($"fastvcpu: the serial port waits for a connection at {listener.LocalEndPoint}");
        return new NetworkStream(listener.Accept(), ownsSocket: true);
    }
}
