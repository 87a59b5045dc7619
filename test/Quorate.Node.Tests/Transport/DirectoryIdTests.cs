using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>A member that returns without its data directory is rejected under its old identity.</summary>
public sealed class DirectoryIdTests
{
    [Fact]
    public async Task A_node_whose_data_directory_was_replaced_is_rejected()
    {
        var (diskOfOne, diskOfTwo) = (new MemoryStorage(), new MemoryStorage());
        var (one, two) = await TestTcpEndpoint.PairAsync(WithIdentity(diskOfOne), WithIdentity(diskOfTwo));
        var port = two.EndPoint.Port;
        await two.DisposeAsync();

        // With its data directory it is accepted again, although the other member was restarted in the meantime.
        await one.DisposeAsync();
        one = new TestTcpEndpoint(1, WithIdentity(diskOfOne));
        two = new TestTcpEndpoint(2, WithIdentity(diskOfTwo), port);
        one.SetPeers(two);
        two.SetPeers(one);
        await one.WaitUntilConnectedAsync(two);
        await two.DisposeAsync();

        // Without its data directory it is rejected.
        await using var _ = one;
        await using var empty = new TestTcpEndpoint(2, WithIdentity(new MemoryStorage()), port);
        empty.SetPeers(one);
        var reported = await empty.WaitForEventAsync(TransportEventKind.RejectedByPeer);
        Assert.Equal((HandshakeRejection.DataDirectoryChanged, one.Id), (reported.Rejection, reported.Peer));
        Assert.Contains("knows this node 2 with another data directory", reported.Text, StringComparison.Ordinal);
        Assert.Contains("add it again", reported.Text, StringComparison.Ordinal);
        var here = await one.WaitForEventAsync(TransportEventKind.Rejected);
        Assert.Equal((HandshakeRejection.DataDirectoryChanged, empty.Id), (here.Rejection, here.Peer));
        Assert.Contains("it must not vote again under its old id", here.Text, StringComparison.Ordinal);

        // In the other direction too: nothing is sent to it.
        var rejectedByPeer = await one.WaitForEventAsync(TransportEventKind.RejectedByPeer);
        Assert.Equal(HandshakeRejection.DataDirectoryChanged, rejectedByPeer.Rejection);
        Assert.Contains("Nothing is sent to it", rejectedByPeer.Text, StringComparison.Ordinal);
        Assert.False(one.CountersOf(empty.Id).Connected || one.CountersOf(empty.Id).Accepted);
    }

    /// <summary>
    /// The ids of members are known to every client, the ids of their data directories to no client: a connection of a stranger neither
    /// is accepted nor learns an id with which it would be. A restarted peer is accepted at once, whatever its old connection does.
    /// </summary>
    [Fact]
    public async Task Only_a_connection_with_the_directory_id_of_the_peer_replaces_its_live_connection()
    {
        await using var one = new TestTcpEndpoint(1, WithIdentity(new MemoryStorage()));
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new(2)] = new("127.0.0.1", 1) });
        using var live = await RawPeer.ConnectAsync(one);
        var request = RawPeer.RequestTo(one) with { DirectoryId = 22 };
        var accepted = await live.HandshakeAsync(request);
        Assert.Equal((HandshakeRejection.None, false), (accepted.Rejection, accepted.DirectoryId == 0));

        foreach (var guess in new ulong[] { 0, 23, accepted.DirectoryId })
        {
            using var stranger = await RawPeer.ConnectAsync(one);
            var response = await stranger.HandshakeAsync(request with { DirectoryId = guess });
            Assert.Equal((HandshakeRejection.DataDirectoryChanged, 0ul), (response.Rejection, response.DirectoryId));
            await stranger.WaitUntilClosedAsync();
        }

        await live.SendAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        Assert.Contains(
            "did not send the id of that node's data directory", (await one.WaitForEventAsync(TransportEventKind.Rejected)).Text,
            StringComparison.Ordinal);

        using var restarted = await RawPeer.ConnectAsync(one);
        Assert.Equal(HandshakeRejection.None, (await restarted.HandshakeAsync(request)).Rejection);
        await live.WaitUntilClosedAsync();
        await restarted.SendAsync(one, 2);
        Assert.Equal(2ul, await one.ReceiveReadIdAsync());
    }

    [Fact]
    public void A_failed_flush_of_a_peers_directory_stops_the_loop()
    {
        var (disk, signals, recorded) = (new MemoryStorage(), 0, new List<NodeId>());
        var directories = new PeerDirectories(
            Identity(disk, new NodeId(1), [new NodeId(2)]), static _ => DirectoryId.None, (peer, _) => recorded.Add(peer), () => signals++);
        Assert.True(directories.TryRecord(new NodeId(2), new DirectoryId(5)));
        directories.ThrowIfFailed();
        Assert.Equal([new NodeId(2)], recorded);
        Assert.Equal(1, signals);

        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("flush", StringComparison.Ordinal))
                throw new DiskFlushException("the disk is gone");
        };
        Assert.Throws<DiskFlushException>(() => directories.TryRecord(new NodeId(3), new DirectoryId(6)));
        Assert.Equal(2, signals);
        Assert.Throws<DiskFlushException>(directories.ThrowIfFailed);
    }

    /// <summary>This node has never contacted the member, and knows its directory from the configuration.</summary>
    [Fact]
    public void A_peer_is_accepted_only_with_the_directory_to_which_the_configuration_binds_it()
    {
        var directories = new PeerDirectories(
            Identity(new MemoryStorage(), new NodeId(1), [new NodeId(2)]), static _ => new DirectoryId(5), static (_, _) => { },
            static () => { });
        Assert.False(directories.TryRecord(new NodeId(2), new DirectoryId(6)));
        Assert.False(directories.TryRecord(new NodeId(2), DirectoryId.None));
        Assert.True(directories.TryRecord(new NodeId(2), new DirectoryId(5)));
    }

    private static Func<TcpTransportOptions, TcpTransportOptions> WithIdentity(IStorage storage) =>
        options =>
        {
            var directories = new PeerDirectories(
                Identity(storage, options.NodeId, options.Peers.Keys), static _ => DirectoryId.None, static (_, _) => { },
                static () => { });
            return options with { DirectoryId = directories.Own, TryRecordDirectory = directories.TryRecord };
        };

    private static IdentityFile Identity(IStorage storage, NodeId self, IEnumerable<NodeId> peers) =>
        IdentityFile.Open(storage, TestTcpEndpoint.Cluster, self, new Configuration([self, .. peers]));
}
