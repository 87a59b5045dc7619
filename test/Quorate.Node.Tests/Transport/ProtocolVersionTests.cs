using System.Net;
using System.Net.Sockets;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>
/// docs/formats/wire.md: two members use the newest protocol version that both speak; a cluster refuses builds that do not support its
/// version; a peer receives no message that its protocol version does not have.
/// </summary>
public sealed class ProtocolVersionTests
{
    private static readonly ClusterVersion V02 = new(0, 2);

    /// <summary>The request of a build of version 0.1: protocol 2 only, and zeroes where later builds state their version.</summary>
    [Fact]
    public async Task A_dialer_of_version_0_1_is_accepted_while_the_cluster_has_its_version()
    {
        await using var one = new TestTcpEndpoint(1);
        one.Network.SetPeers(Unreachable(2));
        using var old = await RawPeer.ConnectAsync(one);

        var response = await old.HandshakeAsync(OldRequest(one.Id));

        Assert.Equal((HandshakeRejection.None, 2, V02), (response.Rejection, response.Version, response.MemberVersion));
        Assert.Equal(ClusterVersion.Oldest, one.CountersOf(new NodeId(2)).Version);
        await old.SendAsync(one, readId: 7);
        Assert.Equal(7ul, await one.ReceiveReadIdAsync());
    }

    [Fact]
    public async Task A_dialer_of_version_0_1_is_refused_by_a_cluster_of_version_0_2_in_words()
    {
        await using var one = new TestTcpEndpoint(1, static options => options with { ClusterVersion = static () => V02 });
        one.Network.SetPeers(Unreachable(2));
        using var old = await RawPeer.ConnectAsync(one);

        var response = await old.HandshakeAsync(OldRequest(one.Id));

        Assert.Equal((HandshakeRejection.WrongVersion, 0), (response.Rejection, response.Version));
        var reported = await one.WaitForEventAsync(TransportEventKind.Rejected);
        Assert.Contains(
            "it supports protocol versions 2 to 2, this node 3 to 3. That node has version 0.1, this one 0.2, the cluster 0.2.",
            reported.Text, StringComparison.Ordinal);
    }

    /// <summary>A listener of version 0.1 accepts protocol 2 and rejects a dialer that requires 3, as its code does.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listener_of_version_0_1_is_sent_what_it_knows_or_nothing(bool isRaised)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var two = new TestTcpEndpoint(
            2, options => options with { ClusterVersion = () => isRaised ? V02 : ClusterVersion.Oldest });
        two.Network.SetPeers(
            new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port) });
        using var accepted = await listener.AcceptTcpClientAsync();
        var request = Handshake.ReadRequest(accepted.GetStream());
        Assert.Equal((isRaised ? 3 : 2, 3, V02), (request.VersionMin, request.VersionMax, request.MemberVersion));
        var isAccepted = request.VersionMin <= 2;
        await accepted.GetStream().WriteAsync(Handshake.Write(new HandshakeResponse(
            isAccepted ? HandshakeRejection.None : HandshakeRejection.WrongVersion, (ushort)(isAccepted ? 2 : 0), TestTcpEndpoint.Cluster,
            new NodeId(1), 0)));
        if (isRaised)
        {
            var reported = await two.WaitForEventAsync(TransportEventKind.RejectedByPeer);
            Assert.Contains("That node has version 0.1, this one 0.2. Upgrade the older", reported.Text, StringComparison.Ordinal);
            return;
        }

        await two.WaitForEventAsync(TransportEventKind.Connected);
        two.Send(new TimeoutNow { From = two.Id, To = new NodeId(1), Term = new Term(1) });
        two.Send(new FetchSnapshot { From = two.Id, To = new NodeId(1), Length = 1 });
        two.Send(new ReadIndexRequest { From = two.Id, To = new NodeId(1), Term = new Term(1), ReadId = 9 });

        var header = new byte[WireFrame.HeaderBytes];
        await accepted.GetStream().ReadExactlyAsync(header);
        Assert.Equal(WireFrameKind.ReadIndexRequest, (WireFrameKind)header[4]);
        Assert.Equal(2, two.CountersOf(new NodeId(1)).DroppedMessages);
    }

    [Fact]
    public async Task Two_members_of_this_build_use_the_newest_protocol_and_know_each_others_version()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync(
            static options => options with { ClusterVersion = static () => V02 },
            static options => options with { Version = ClusterVersion.Oldest });
        await using var first = one;
        await using var second = two;

        Assert.Equal(ClusterVersion.Oldest, one.CountersOf(two.Id).Version);
        Assert.Equal(V02, two.CountersOf(one.Id).Version);
        one.Send(new TimeoutNow { From = one.Id, To = two.Id, Term = new Term(1), LastIndex = new LogIndex(5) });
        Assert.Equal(new LogIndex(5), Assert.IsType<TimeoutNow>((await two.ReceiveAsync()).Message).LastIndex);
    }

    [Fact]
    public void Version_2_has_all_messages_but_those_of_snapshots_transfers_and_cluster_versions()
    {
        foreach (var message in TestMessages.OneOfEach())
        {
            var isNew = message is FetchSnapshot or FetchSnapshotReply or TimeoutNow or StateHashReport
                or AppendEntries { NeedsSnapshot: true } or RequestVote { IsTransfer: true }
                || (message is AppendEntries append
                    && append.Entries.ToArray().Any(static e => e.Kind is EntryKind.ClusterVersion or EntryKind.Configuration))
                || (message is ForwardProposals forward && forward.Proposals.ToArray().Any(static p => p.Kind == EntryKind.Configuration));
            Assert.True(ProtocolVersion.Knows(3, message));
            Assert.Equal(!isNew, ProtocolVersion.Knows(2, message));
        }
    }

    private static HandshakeRequest OldRequest(NodeId to) => new(2, 2, TestTcpEndpoint.Cluster, new NodeId(2), to, 0);

    private static Dictionary<NodeId, PeerAddress> Unreachable(ulong peer) => new() { [new NodeId(peer)] = new("127.0.0.1", 1) };
}
