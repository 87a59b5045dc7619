using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>Who is let in, who is not, and what both sides are told. Garbage, slow handshakes, floods.</summary>
public sealed class HandshakeTests
{
    [Fact]
    public async Task A_node_of_another_cluster_is_refused_and_both_are_told_why()
    {
        await using var one = new TestNode(1);
        await using var two = new TestNode(2, options => options with { ClusterId = 0xBAD });
        two.Knows(one);
        var told = await two.UntilToldAsync(TransportEventKind.RefusedByPeer);
        Assert.Equal((HandshakeRefusal.WrongCluster, one.Id), (told.Refusal, told.Peer));
        Assert.Contains("belongs to cluster c1, this node 2 to cluster bad", told.Text, StringComparison.Ordinal);
        Assert.Contains("correct the peer addresses", told.Text, StringComparison.Ordinal);

        var here = await one.UntilToldAsync(TransportEventKind.Refused);
        Assert.Equal((HandshakeRefusal.WrongCluster, two.Id), (here.Refusal, here.Peer));
        Assert.Contains("belongs to cluster bad", here.Text, StringComparison.Ordinal);
        Assert.False(two.With(one.Id).Connected);
    }

    [Fact]
    public async Task A_node_that_is_reached_under_anothers_id_refuses()
    {
        await using var one = new TestNode(1);
        await using var two = new TestNode(2);
        one.Knows(two);
        two.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(7)] = one.Address });
        var told = await two.UntilToldAsync(TransportEventKind.RefusedByPeer);
        Assert.Equal(HandshakeRefusal.WrongReceiver, told.Refusal);
        Assert.Contains("where node 7 should be, node 1 listens", told.Text, StringComparison.Ordinal);
        Assert.Equal(HandshakeRefusal.WrongReceiver, (await one.UntilToldAsync(TransportEventKind.Refused)).Refusal);
    }

    [Fact]
    public async Task A_stranger_is_refused_until_it_is_made_a_peer()
    {
        await using var one = new TestNode(1);
        await using var two = new TestNode(2);
        two.Knows(one);
        Assert.Equal(HandshakeRefusal.UnknownPeer, (await two.UntilToldAsync(TransportEventKind.RefusedByPeer)).Refusal);
        one.Knows(two);
        await one.UntilConnectedAsync(two);
    }

    [Fact]
    public async Task A_refusal_that_repeats_is_told_once()
    {
        await using var one = new TestNode(1);
        await using var two = new TestNode(2, options => options with { BackoffMax = TimeSpan.FromMilliseconds(20) });
        two.Knows(one);
        await TestNode.UntilAsync(() => one.Network.Counters.HandshakesRefused >= 5);
        Assert.Single(two.Events, told => told.Kind == TransportEventKind.RefusedByPeer);
    }

    [Fact]
    public async Task A_node_that_speaks_no_version_of_ours_is_refused()
    {
        await using var one = new TestNode(1);
        using var raw = await RawPeer.ConnectAsync(one);
        var answer = await raw.ShakeHandsAsync(RawPeer.HelloTo(one) with { VersionMin = 7, VersionMax = 9 });
        Assert.Equal(HandshakeRefusal.WrongVersion, answer.Refusal);
        await raw.UntilClosedAsync();
    }

    [Fact]
    public async Task The_newest_version_that_both_speak_is_chosen()
    {
        await using var one = new TestNode(1);
        one.Network.SetPeers(Unreachable(2));
        using var raw = await RawPeer.ConnectAsync(one);
        var answer = await raw.ShakeHandsAsync(RawPeer.HelloTo(one) with { VersionMax = 9 });
        Assert.Equal((HandshakeRefusal.None, Handshake.VersionMax), (answer.Refusal, answer.Version));
    }

    [Theory]
    [InlineData(0xBAD, 1, HandshakeRefusal.WrongCluster)]
    [InlineData(TestNode.Cluster, 7, HandshakeRefusal.WrongReceiver)]
    public async Task A_welcome_of_the_wrong_node_is_not_believed(ulong cluster, ulong from, HandshakeRefusal why)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var two = new TestNode(2);
        two.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port) });
        using var accepted = await listener.AcceptTcpClientAsync();
        Handshake.ReadHello(accepted.GetStream());
        await accepted.GetStream().WriteAsync(Handshake.Write(new Answer(HandshakeRefusal.None, 1, cluster, new NodeId(from), 0)));
        Assert.Equal(why, (await two.UntilToldAsync(TransportEventKind.RefusedByPeer)).Refusal);
    }

    [Fact]
    public async Task Garbage_is_turned_away_and_the_peers_do_not_notice()
    {
        var (one, two) = await TestNode.PairAsync();
        await using var first = one;
        await using var second = two;
        var random = new Random(3);
        for (var i = 0; i < 50; i++)
        {
            using var raw = await RawPeer.ConnectAsync(one);
            var garbage = new byte[10 + random.Next(500)];
            random.NextBytes(garbage);
            await raw.SayAsync(i % 2 == 0 ? garbage : "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            await raw.UntilClosedAsync();
        }

        Assert.Equal(50, one.Network.Counters.HandshakesRefused);
        Assert.InRange(one.Events.Count(told => told.Kind == TransportEventKind.Refused), 1, 20); // one a second, not fifty
        two.Send(one, 5);
        Assert.Equal(5ul, await one.ReceiveReadIdAsync());
    }

    [Fact]
    public async Task A_hello_cut_or_flipped_anywhere_lets_nobody_in()
    {
        var hello = Handshake.Write(new Hello(1, 1, 2, new NodeId(3), new NodeId(4), 5));
        for (var i = 0; i < hello.Length; i++)
        {
            Assert.Throws<EndOfStreamException>(() => Handshake.ReadHello(new MemoryStream(hello[..i])));
            var flipped = (byte[])hello.Clone();
            flipped[i] ^= 0x10;
            var fault = Record.Exception(() => Handshake.ReadHello(new MemoryStream(flipped)));
            Assert.True(fault is WireFormatException or EndOfStreamException, $"byte {i}: {fault}");
        }
    }

    [Fact]
    public async Task A_longer_hello_of_a_later_version_is_understood()
    {
        var hello = Handshake.Write(new Hello(1, 1, 2, new NodeId(3), new NodeId(4), 5));
        byte[] longer = [.. hello[..^4], .. "more to say"u8, 0, 0, 0, 0];
        longer[8] = (byte)longer.Length;
        BitConverter.GetBytes(Quorate.Node.Io.Crc32C.Of(longer.AsSpan()[..^4])).CopyTo(longer, longer.Length - 4);
        Assert.Equal(new Hello(1, 1, 2, new NodeId(3), new NodeId(4), 5), Handshake.ReadHello(new MemoryStream(longer)));
    }

    [Fact]
    public async Task A_handshake_that_dawdles_is_closed_at_its_deadline()
    {
        await using var one = new TestNode(1, options => options with { HandshakeTimeout = TimeSpan.FromMilliseconds(100) });
        using var silent = await RawPeer.ConnectAsync(one);
        using var slow = await RawPeer.ConnectAsync(one);
        await slow.SayAsync(Handshake.Write(RawPeer.HelloTo(one))[..30]);
        await silent.UntilClosedAsync();
        await slow.UntilClosedAsync();
        await TestNode.UntilAsync(() => one.Network.Counters.HandshakesRefused == 2);
        Assert.Equal(HandshakeRefusal.TooSlow, (await one.UntilToldAsync(TransportEventKind.Refused)).Refusal);
    }

    [Fact]
    public async Task Silent_connections_from_one_address_cannot_hold_more_than_their_share()
    {
        await using var one = new TestNode(1, options => options with { HandshakesPerAddressMax = 3 });
        var silent = new List<RawPeer>();
        for (var i = 0; i < 3; i++)
            silent.Add(await RawPeer.ConnectAsync(one));
        await TestNode.UntilAsync(() => !one.Network.Admission.TryEnter(IPAddress.Loopback) || Left(one));

        using var tooMany = await RawPeer.ConnectAsync(one);
        await tooMany.UntilClosedAsync();
        Assert.Equal(HandshakeRefusal.TooMany, (await one.UntilToldAsync(TransportEventKind.Refused)).Refusal);

        silent.ForEach(raw => raw.Dispose());
        one.Network.SetPeers(Unreachable(2));
        await TestNode.UntilAsync(() => one.Network.Admission.TryEnter(IPAddress.Loopback) && !Left(one));
        using var welcome = await RawPeer.WelcomeAsync(one);

        static bool Left(TestNode node)
        {
            node.Network.Admission.Leave(IPAddress.Loopback);
            return false;
        }
    }

    [Fact]
    public void Handshakes_are_capped_over_all_addresses_too()
    {
        var admission = new HandshakeAdmission(max: 2, maxPerAddress: 5);
        Assert.True(admission.TryEnter(IPAddress.Parse("10.0.0.1")));
        Assert.True(admission.TryEnter(IPAddress.Parse("10.0.0.2")));
        Assert.False(admission.TryEnter(IPAddress.Parse("10.0.0.3")));
        admission.Leave(IPAddress.Parse("10.0.0.1"));
        Assert.True(admission.TryEnter(IPAddress.Parse("10.0.0.3")));
    }

    [Fact]
    public async Task A_peer_that_cannot_be_reached_is_told_of_once_with_what_to_do()
    {
        await using var one = new TestNode(1);
        one.Network.SetPeers(Unreachable(2));
        var told = await one.UntilToldAsync(TransportEventKind.Unreachable);
        Assert.Contains("Node 2 cannot be reached at 127.0.0.1:1: Connection refused", told.Text, StringComparison.Ordinal);
        Assert.Contains("keeps trying", told.Text, StringComparison.Ordinal);
    }

    private static Dictionary<NodeId, PeerAddress> Unreachable(ulong id) => new() { [new NodeId(id)] = new("127.0.0.1", 1) };
}
