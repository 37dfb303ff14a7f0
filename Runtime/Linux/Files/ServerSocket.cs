using FastVcpu.Linux.Abi;

namespace FastVcpu.Linux.Files;

/// <summary>A socket that is not connected: it may listen.</summary>
sealed class ServerSocket : NetworkSocket
{
    readonly InputNetwork _network;

    public ServerSocket(InputNetwork network, int family, int number, OpenFlags flags)
        : base(family, number, flags)
    {
        _network = network;
        network.Add(this);
    }

    public bool IsListening { get; set; }

    public void Listen()
    {
        IsListening = true;
        _network.ShowReadiness();
    }

    /// <summary>The connection, or null: nobody connects any more.</summary>
    public InputConnection? Accept(OpenFlags flags) => _network.Accept(this, flags);

    protected override void Close()
    {
        _network.Remove(this);
        base.Close();
    }
}
