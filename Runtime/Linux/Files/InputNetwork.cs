using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>
/// The network of a target that is a server: somebody connects once, has sent the input and nothing more, and drops what he gets. Whichever socket listens and accepts first gets the connection.
/// </summary>
/// <param name="input">The input.</param>
sealed class InputNetwork(HostFile input)
{
    readonly List<ServerSocket> _sockets = [];
    InputConnection? _connection;
    (ServerSocket Socket, bool IsListening, byte[] Address)[] _saved = [];

    /// <summary>The connection has been accepted and closed: nobody waits for an answer any more.</summary>
    public bool IsOver => _connection is { IsClosed: true };

    /// <summary>All of the input has been read.</summary>
    public bool IsRead => _connection is { IsAtEnd: true };

    public void Add(ServerSocket socket) => _sockets.Add(socket);

    public void Remove(ServerSocket socket) => _sockets.Remove(socket);

    /// <summary>The connection, or null: it is somebody's already.</summary>
    public InputConnection? Accept(ServerSocket socket, OpenFlags flags)
    {
        if (_connection != null)
        {
            return null;
        }

        _connection = new InputConnection(input, socket, flags);
        ShowReadiness();
        return _connection;
    }

    /// <summary>Sockets that listen can be accepted from as long as there is the connection.</summary>
    public void ShowReadiness() => _sockets.ForEach(socket => socket.Show(socket.IsListening && _connection == null));

    /// <summary>Runs begin here.</summary>
    public void Save() => _saved = [.. _sockets.Select(socket => (socket, socket.IsListening, socket.Address))];

    /// <summary>Makes the sockets what they were; those that a run has made have been closed.</summary>
    public void Restore()
    {
        _connection = null;
        foreach ((ServerSocket socket, bool isListening, byte[] address) in _saved)
        {
            (socket.IsListening, socket.Address) = (isListening, address);
        }

        ShowReadiness();
    }
}
