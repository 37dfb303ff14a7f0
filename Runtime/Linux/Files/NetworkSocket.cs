using System.Buffers.Binary;
using FastVcpu.Linux.Abi;
using FastVcpu.Linux.Host;

namespace FastVcpu.Linux.Files;

/// <summary>A stream socket in an <see cref="InputNetwork"/>. What poll and epoll see of it is a counter of the host.</summary>
abstract class NetworkSocket : OpenFile
{
    /// <summary>Address families.</summary>
    public const int Local = 1, Internet = 2, Internet6 = 10;

    const ushort ClientPort = 40000, FreePort = 32768;
    const uint Loopback = 0x7F000001;

    readonly HostFile _ready = HostCalls.EventCounter(0, false);
    readonly int _number;

    protected NetworkSocket(int family, int number, OpenFlags flags)
        : base($"socket:[{number}]", flags | OpenFlags.ReadWrite)
    {
        (Family, _number) = (family, number);
        Address = MakeAddress(family, 0, 0);
    }

    public int Family { get; }

    public override HostFile Host => _ready;

    public override bool MayWait => true;

    /// <summary>The own address, as a struct sockaddr.</summary>
    public byte[] Address { get; set; }

    /// <summary>The address of the one who connects.</summary>
    public byte[] PeerAddress => MakeAddress(Family, ClientPort, Loopback);

    /// <summary>Takes an address. False: it is of another family.</summary>
    public bool TryBind(ReadOnlySpan<byte> address)
    {
        if (address.Length < Address.Length || BinaryPrimitives.ReadUInt16LittleEndian(address) != Family)
        {
            return false;
        }

        Address = address.ToArray();
        bool hasPort = Family != Local;
        if (hasPort && BinaryPrimitives.ReadUInt16BigEndian(Address.AsSpan(2)) == 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(Address.AsSpan(2), FreePort);
        }

        return true;
    }

    /// <summary>Lets poll and epoll find it ready to be read, or not. One that was ready becomes so anew.</summary>
    public void Show(bool isReady)
    {
        HostCalls.SetBack(_ready);
        if (isReady)
        {
            HostCalls.Count(_ready);
        }
    }

    public override long Stat(out HostStatx stat)
    {
        const ushort everybody = 0x1FF;
        stat = new HostStatx { Mask = HostStatx.BasicMask, Mode = (ushort)((ushort)FileKind.Socket | everybody), Inode = (ulong)_number, Links = 1, BlockSize = 4096 };
        return 0;
    }

    protected override void Close() => _ready.Dispose();

    static byte[] MakeAddress(int family, ushort port, uint host)
    {
        const int internetSize = 16, internet6Size = 28, hostAt = 4, last6At = 23;
        byte[] address = new byte[family == Internet ? internetSize : family == Internet6 ? internet6Size : sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(address, (ushort)family);
        if (family != Local)
        {
            BinaryPrimitives.WriteUInt16BigEndian(address.AsSpan(2), port);
        }

        if (family == Internet)
        {
            BinaryPrimitives.WriteUInt32BigEndian(address.AsSpan(hostAt), host);
        }
        else if (family == Internet6)
        {
            address[last6At] = (byte)host;
        }

        return address;
    }
}
