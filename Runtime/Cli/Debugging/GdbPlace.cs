using System.Net;
using System.Net.Sockets;
using FastVcpu.Gdb;

namespace FastVcpu.Cli.Debugging;

/// <summary>What `--gdb` says: where gdb is waited for.</summary>
/// <param name="Text">A port, an address with a port, the path of a socket, or "-" for standard input and output.</param>
sealed record GdbPlace(string Text)
{
    /// <summary>The protocol takes standard input and output, so that the guest cannot have them.</summary>
    public bool IsStandardStreams => Text == "-";

    /// <summary>The place that an option names, or null.</summary>
    public static GdbPlace? Of(string? text) => text == null ? null : new GdbPlace(text);

    /// <summary>Waits for a client there, and says so on standard error.</summary>
    public void Open(GdbServer server)
    {
        if (IsStandardStreams)
        {
            server.Serve(Console.OpenStandardInput(), Console.OpenStandardOutput());
            return;
        }
        try
        {
            server.Listen(GdbServer.Parse(Text));
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw new InputException(error.Message);
        }
        catch (SocketException error)
        {
            throw new InputException($"'{Text}' cannot be listened on: {error.Message}.");
        }
        string target = server.EndPoint is IPEndPoint { Port: var port } ? $":{port}" : Text;
        Console.Error.WriteLine($"fastvcpu: waiting for gdb; connect with: target remote {target}");
    }
}
