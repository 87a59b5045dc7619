using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>
/// A node accepts or rejects each handshake, and both sides report why: wrong identities, garbage, slow handshakes, floods.
/// </summary>
public sealed class HandshakeTests
{
    [Fact]
    public async Task A_node_of_another_cluster_is_rejected_and_both_sides_report_why()
    {
        await using var one = new TestTcpEndpoint(1);
        await using var two = new TestTcpEndpoint(2, options => options with { ClusterId = 0xBAD });
        two.SetPeers(one);
        var reported = await two.WaitForEventAsync(TransportEventKind.RejectedByPeer);
        Assert.Equal((HandshakeRejection.WrongCluster, one.Id), (reported.Rejection, reported.Peer));
        Assert.Contains("belongs to cluster c1, this node 2 to cluster bad", reported.Text, StringComparison.Ordinal);
        Assert.Contains("correct the peer addresses", reported.Text, StringComparison.Ordinal);

        var here = await one.WaitForEventAsync(TransportEventKind.Rejected);
        Assert.Equal((HandshakeRejection.WrongCluster, two.Id), (here.Rejection, here.Peer));
        Assert.Contains("belongs to cluster bad", here.Text, StringComparison.Ordinal);
        Assert.False(two.CountersOf(one.Id).Connected);
    }

    [Fact]
    public async Task A_node_rejects_a_connection_meant_for_another_id()
    {
        await using var one = new TestTcpEndpoint(1);
        await using var two = new TestTcpEndpoint(2);
        one.SetPeers(two);
        two.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new NodeId(7)] = one.Address });
        var reported = await two.WaitForEventAsync(TransportEventKind.RejectedByPeer);
        Assert.Equal(HandshakeRejection.WrongReceiver, reported.Rejection);
        Assert.Contains("the configured address of node 7", reported.Text, StringComparison.Ordinal);
        Assert.Equal(HandshakeRejection.WrongReceiver, (await one.WaitForEventAsync(TransportEventKind.Rejected)).Rejection);
    }

    [Fact]
    public async Task An_unknown_node_is_rejected_until_it_becomes_a_peer()
    {
        await using var one = new TestTcpEndpoint(1);
        await using var two = new TestTcpEndpoint(2);
        two.SetPeers(one);
        Assert.Equal(HandshakeRejection.UnknownPeer, (await two.WaitForEventAsync(TransportEventKind.RejectedByPeer)).Rejection);
        one.SetPeers(two);
        await one.WaitUntilConnectedAsync(two);
    }

    [Fact]
    public async Task A_repeated_rejection_is_reported_once()
    {
        await using var one = new TestTcpEndpoint(1);
        await using var two = new TestTcpEndpoint(2, options => options with { MaxReconnectBackoff = TimeSpan.FromMilliseconds(20) });
        two.SetPeers(one);
        await TestTcpEndpoint.WaitUntilAsync(() => one.Network.Counters.HandshakesRejected >= 5);
        Assert.Single(two.Events, reported => reported.Kind == TransportEventKind.RejectedByPeer);
    }

    /// <summary>Version 1 had no group id in its frames.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 9)]
    public async Task A_node_without_a_common_protocol_version_is_rejected(ushort oldest, ushort newest)
    {
        await using var one = new TestTcpEndpoint(1);
        using var raw = await RawPeer.ConnectAsync(one);
        var response = await raw.HandshakeAsync(RawPeer.RequestTo(one) with { VersionMin = oldest, VersionMax = newest });
        Assert.Equal((HandshakeRejection.WrongVersion, 0), (response.Rejection, response.Version));
        await raw.WaitUntilClosedAsync();
        var reported = await one.WaitForEventAsync(TransportEventKind.Rejected);
        Assert.Contains(
            $"it supports protocol versions {oldest} to {newest}, this node 2 to 3. That node has", reported.Text,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// A node of version 1 either rejects this node or, if it does not check, chooses a version that this node does not know.
    /// </summary>
    [Theory]
    [InlineData(HandshakeRejection.WrongVersion, 0)]
    [InlineData(HandshakeRejection.None, 1)]
    public async Task A_listener_without_a_common_protocol_version_is_reported(HandshakeRejection rejection, ushort version)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var two = new TestTcpEndpoint(2);
        two.Network.SetPeers(
            new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port) });
        using var accepted = await listener.AcceptTcpClientAsync();
        Handshake.ReadRequest(accepted.GetStream());
        await accepted.GetStream()
            .WriteAsync(Handshake.Write(new HandshakeResponse(rejection, version, TestTcpEndpoint.Cluster, new NodeId(1), 0)));
        var reported = await two.WaitForEventAsync(TransportEventKind.RejectedByPeer);
        Assert.Equal(HandshakeRejection.WrongVersion, reported.Rejection);
        Assert.Contains(
            "supports none of the protocol versions 2 to 3 of this node 2. That node has", reported.Text, StringComparison.Ordinal);
        Assert.False(two.CountersOf(new NodeId(1)).Connected);
    }

    [Fact]
    public async Task The_newest_common_protocol_version_is_chosen()
    {
        await using var one = new TestTcpEndpoint(1);
        one.Network.SetPeers(Unreachable(2));
        using var raw = await RawPeer.ConnectAsync(one);
        var response = await raw.HandshakeAsync(RawPeer.RequestTo(one) with { VersionMax = 9 });
        Assert.Equal((HandshakeRejection.None, Handshake.VersionMax), (response.Rejection, response.Version));
    }

    [Theory]
    [InlineData(0xBAD, 1, HandshakeRejection.WrongCluster)]
    [InlineData(TestTcpEndpoint.Cluster, 7, HandshakeRejection.WrongReceiver)]
    public async Task An_acceptance_from_the_wrong_node_is_rejected(ulong cluster, ulong from, HandshakeRejection why)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var two = new TestTcpEndpoint(2);
        two.Network.SetPeers(
            new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port) });
        using var accepted = await listener.AcceptTcpClientAsync();
        Handshake.ReadRequest(accepted.GetStream());
        var response = new HandshakeResponse(HandshakeRejection.None, Handshake.VersionMax, cluster, new NodeId(from), 0);
        await accepted.GetStream().WriteAsync(Handshake.Write(response));
        Assert.Equal(why, (await two.WaitForEventAsync(TransportEventKind.RejectedByPeer)).Rejection);
    }

    [Fact]
    public async Task Garbage_connections_are_closed_without_disturbing_peers()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        await using var second = two;
        var random = new Random(3);
        for (var i = 0; i < 50; i++)
        {
            using var raw = await RawPeer.ConnectAsync(one);
            var garbage = new byte[10 + random.Next(500)];
            random.NextBytes(garbage);
            await raw.SendAsync(i % 2 == 0 ? garbage : "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            await raw.WaitUntilClosedAsync();
        }

        Assert.Equal(50, one.Network.Counters.HandshakesRejected);
        Assert.InRange(one.Events.Count(reported => reported.Kind == TransportEventKind.Rejected), 1, 20); // one per second, not fifty
        two.Send(one, 5);
        Assert.Equal(5ul, await one.ReceiveReadIdAsync());
    }

    [Fact]
    public async Task A_truncated_or_flipped_handshake_request_is_rejected()
    {
        var hello = Handshake.Write(new HandshakeRequest(1, 1, 2, new NodeId(3), new NodeId(4), 5));
        for (var i = 0; i < hello.Length; i++)
        {
            Assert.Throws<EndOfStreamException>(() => Handshake.ReadRequest(new MemoryStream(hello[..i])));
            var flipped = (byte[])hello.Clone();
            flipped[i] ^= 0x10;
            var fault = Record.Exception(() => Handshake.ReadRequest(new MemoryStream(flipped)));
            Assert.True(fault is WireFormatException or EndOfStreamException, $"byte {i}: {fault}");
        }
    }

    [Fact]
    public async Task A_longer_handshake_request_of_a_later_version_is_parsed()
    {
        var hello = Handshake.Write(new HandshakeRequest(1, 1, 2, new NodeId(3), new NodeId(4), 5));
        byte[] longer = [.. hello[..^4], .. "more to say"u8, 0, 0, 0, 0];
        longer[8] = (byte)longer.Length;
        BitConverter.GetBytes(Quorate.Node.Storage.Crc32C.Of(longer.AsSpan()[..^4])).CopyTo(longer, longer.Length - 4);
        Assert.Equal(
            new HandshakeRequest(1, 1, 2, new NodeId(3), new NodeId(4), 5, MemberVersion: ClusterVersion.Oldest),
            Handshake.ReadRequest(new MemoryStream(longer)));
    }

    [Fact]
    public async Task A_slow_handshake_is_closed_at_its_timeout()
    {
        await using var one = new TestTcpEndpoint(1, options => options with { HandshakeTimeout = TimeSpan.FromMilliseconds(100) });
        using var silent = await RawPeer.ConnectAsync(one);
        using var slow = await RawPeer.ConnectAsync(one);
        await slow.SendAsync(Handshake.Write(RawPeer.RequestTo(one))[..30]);
        await silent.WaitUntilClosedAsync();
        await slow.WaitUntilClosedAsync();
        await TestTcpEndpoint.WaitUntilAsync(() => one.Network.Counters.HandshakesRejected == 2);
        Assert.Equal(HandshakeRejection.TimedOut, (await one.WaitForEventAsync(TransportEventKind.Rejected)).Rejection);
    }

    [Fact]
    public async Task An_unreachable_peer_is_reported_once_with_the_remedy()
    {
        await using var one = new TestTcpEndpoint(1);
        one.Network.SetPeers(Unreachable(2));
        var reported = await one.WaitForEventAsync(TransportEventKind.Unreachable);
        Assert.Contains("Node 2 cannot be reached at 127.0.0.1:1: Connection refused", reported.Text, StringComparison.Ordinal);
        Assert.Contains("keeps trying", reported.Text, StringComparison.Ordinal);
    }

    private static Dictionary<NodeId, PeerAddress> Unreachable(ulong id) => new() { [new NodeId(id)] = new("127.0.0.1", 1) };
}
