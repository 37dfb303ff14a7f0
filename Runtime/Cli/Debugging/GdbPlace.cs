using System.Net;
using System.Net.Sockets;
using FastVcpu.Gdb;

namespace FastVcpu.Cli.Debugging;

/// <summary>Where `--gdb` listens.</summary>
static class GdbPlace
{
    /// <summary>Listens and says so on standard error.</summary>
    public static void Listen(GdbServer server, string place)
    {
        try
        {
            server.Listen(GdbServer.Parse(place));
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            throw new InputException(error.Message);
        }
        catch (SocketException error)
        {
            throw new InputException($"'{place}' cannot be listened on: {error.Message}.");
        }
        string target = server.EndPoint is IPEndPoint { Port: var port } ? $":{port}" : place;
        Console.Error.WriteLine($"fastvcpu: waiting for gdb; connect with: target remote {target}");
    }
}
