using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>Connections that do not complete their handshake cannot keep peers out, whatever their address is.</summary>
public sealed class HandshakeSlotsTests
{
    private static readonly IPAddress Stranger = IPAddress.Parse("127.0.0.9");

    [Fact]
    public void The_oldest_stranger_makes_room()
    {
        var slots = new HandshakeSlots(2);
        var (peer, first, second) = (Connection("10.0.0.1", true), Connection("10.9.9.1"), Connection("10.9.9.2"));
        Assert.False(slots.Add(peer, out _));
        Assert.False(slots.Add(first, out _));
        Assert.True(slots.Add(second, out var excess));
        Assert.Same(first, excess);
        slots.Remove(excess);
        Assert.Equal([peer, second], slots.Pending);

        // A peer displaces a stranger, never the other way round.
        var another = Connection("10.0.0.2", true);
        Assert.True(slots.Add(another, out excess));
        Assert.Same(second, excess);
        slots.Remove(excess);
        var third = Connection("10.9.9.3");
        Assert.True(slots.Add(third, out excess));
        Assert.Same(third, excess);
    }

    [Fact]
    public void Connections_of_one_peer_address_do_not_displace_those_of_another()
    {
        var slots = new HandshakeSlots(3);
        var (quiet, loud) = (Connection("10.0.0.1", true), Connection("10.0.0.2", true));
        slots.Add(quiet, out _);
        slots.Add(loud, out _);
        slots.Add(Connection("10.0.0.2", true), out _);
        Assert.True(slots.Add(Connection("10.0.0.2", true), out var excess));
        Assert.Same(loud, excess);
    }

    /// <summary>Node 2 has another address than the silent connections, which are far more than there are slots.</summary>
    [Fact]
    public async Task Silent_strangers_do_not_keep_a_peer_out()
    {
        await using var one = Listener("127.0.0.1");
        var strangers = await ConnectSilentAsync(one, 200, Stranger);

        using var peer = await RawPeer.ConnectAndHandshakeAsync(one);
        await peer.SendAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        await strangers[0].WaitUntilClosedAsync();
        Assert.InRange(one.Network.InboundHandshakes.PendingCount, 0, 8);
        Assert.Equal(HandshakeRejection.TooManyHandshakes, (await one.WaitForEventAsync(TransportEventKind.Rejected)).Rejection);
        strangers.ForEach(static raw => raw.Dispose());
    }

    /// <summary>All peers and all strangers share an address, as on one machine or behind a network address translation.</summary>
    [Fact]
    public async Task Silent_connections_of_a_peers_address_do_not_keep_that_peer_out()
    {
        await using var one = Listener("127.0.0.1");
        var silent = await ConnectSilentAsync(one, 200, IPAddress.Loopback);
        using var peer = await RawPeer.ConnectAndHandshakeAsync(one);
        await peer.SendAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        silent.ForEach(static raw => raw.Dispose());
    }

    /// <summary>The slow peer has a slot of its own, although its request arrives in two parts with many strangers in between.</summary>
    [Fact]
    public async Task A_slow_request_from_a_peers_address_outlives_strangers()
    {
        await using var one = Listener("127.0.0.1", options => options with { HandshakeTimeout = TimeSpan.FromMinutes(1) });
        using var slow = await RawPeer.ConnectAsync(one);
        var request = Handshake.Write(RawPeer.RequestTo(one));
        await slow.SendAsync(request[..30]);
        await TestTcpEndpoint.WaitUntilAsync(() => one.Network.InboundHandshakes.PendingCount == 1);
        var strangers = await ConnectSilentAsync(one, 50, Stranger);
        await strangers[0].WaitUntilClosedAsync();
        await slow.SendAsync(request[30..]);
        Assert.Equal(HandshakeRejection.None, (await Handshake.ReadResponseAsync(slow.Stream, CancellationToken.None)).Rejection);
        strangers.ForEach(static raw => raw.Dispose());
    }

    [Fact]
    public async Task Silent_connections_occupy_no_threads()
    {
        await using var one = Listener(
            "127.0.0.1", options => options with { MaxHandshakes = 500, HandshakeTimeout = TimeSpan.FromMinutes(1) });
        var before = System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        var silent = await ConnectSilentAsync(one, 400, Stranger);
        await TestTcpEndpoint.WaitUntilAsync(() => one.Network.InboundHandshakes.PendingCount == 400);
        Assert.InRange(System.Diagnostics.Process.GetCurrentProcess().Threads.Count - before, -100, 100);
        silent.ForEach(static raw => raw.Dispose());
        await TestTcpEndpoint.WaitUntilAsync(() => one.Network.InboundHandshakes.PendingCount == 0);
    }

    private static TestTcpEndpoint Listener(string addressOfTwo, Func<TcpTransportOptions, TcpTransportOptions>? with = null)
    {
        var node = new TestTcpEndpoint(1, options =>
            with is null ? options with { MaxHandshakes = 8 } : with(options with { MaxHandshakes = 8 }));
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(2)] = new(addressOfTwo, 1) });
        return node;
    }

    private static async Task<List<RawPeer>> ConnectSilentAsync(TestTcpEndpoint to, int count, IPAddress from)
    {
        var silent = new List<RawPeer>();
        for (var i = 0; i < count; i++)
        {
            silent.Add(await RawPeer.ConnectAsync(to, from));
            try
            {
                await silent[i].SendAsync("Quor"u8.ToArray());
            }
            catch (IOException)
            {
                // It has been closed already.
            }
        }

        return silent;
    }

    private static PendingHandshake Connection(string address, bool isFromPeerAddress = false) => new(
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), new IPEndPoint(IPAddress.Parse(address), 1),
        isFromPeerAddress, accepted: 0);
}
