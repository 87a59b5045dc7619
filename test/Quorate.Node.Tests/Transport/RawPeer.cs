using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>A raw socket that acts as a peer, and can send what no correct peer would.</summary>
internal sealed class RawPeer : IDisposable
{
    private RawPeer(Socket socket)
    {
        Socket = socket;
        Stream = new NetworkStream(socket, ownsSocket: true);
    }

    public Socket Socket { get; }

    public NetworkStream Stream { get; }

    /// <summary>Opens a connection without a handshake.</summary>
    /// <param name="to">The listener.</param>
    /// <param name="from">The address from which to connect; null: the system chooses it.</param>
    public static async Task<RawPeer> ConnectAsync(TestTcpEndpoint to, IPAddress? from = null)
    {
        var socket = new Socket(to.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null)
            socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(to.EndPoint);
        return new RawPeer(socket);
    }

    /// <summary>Opens a connection as node 2 and completes the handshake.</summary>
    public static async Task<RawPeer> ConnectAndHandshakeAsync(TestTcpEndpoint to)
    {
        var peer = await ConnectAsync(to);
        Assert.Equal(HandshakeRejection.None, (await peer.HandshakeAsync(RequestTo(to))).Rejection);
        return peer;
    }

    public static HandshakeRequest RequestTo(TestTcpEndpoint to) =>
        new(Handshake.VersionMin, Handshake.VersionMax, TestTcpEndpoint.Cluster, new NodeId(2), to.Id, 0);

    public async Task<HandshakeResponse> HandshakeAsync(HandshakeRequest request)
    {
        await Stream.WriteAsync(Handshake.Write(request));
        return await Handshake.ReadResponseAsync(Stream, CancellationToken.None);
    }

    public Task SendAsync(TestTcpEndpoint to, ulong readId) =>
        SendAsync(TestMessages.Encode(new ReadIndexRequest { From = new NodeId(2), To = to.Id, ReadId = readId }));

    public Task SendAsync(TestTcpEndpoint to, ulong readId, GroupId group) =>
        SendAsync(TestMessages.Encode(new ReadIndexRequest { From = new NodeId(2), To = to.Id, ReadId = readId }, group));

    public async Task SendAsync(byte[] bytes) => await Stream.WriteAsync(bytes);

    /// <summary>Waits until the node has closed this connection.</summary>
    public async Task WaitUntilClosedAsync()
    {
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            while (await Stream.ReadAsync(new byte[1024], timeout.Token) > 0)
            {
                // What it sends before it closes does not matter here.
            }
        }
        catch (IOException)
        {
            // A reset counts as closed, too.
        }
    }

    /// <summary>Closes with RST, as a kernel does for a killed process that had not read everything.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Dispose();
    }

    public void Dispose() => Stream.Dispose();
}
