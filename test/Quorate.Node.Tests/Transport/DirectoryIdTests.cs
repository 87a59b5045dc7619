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

    [Fact]
    public void A_failed_flush_of_a_peers_directory_stops_the_loop()
    {
        var (disk, signals) = (new MemoryStorage(), 0);
        var directories = new PeerDirectories(Identity(disk, new NodeId(1), [new NodeId(2)]), () => signals++);
        Assert.True(directories.TryRecord(new NodeId(2), new DirectoryId(5)));
        directories.ThrowIfFailed();

        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("flush", StringComparison.Ordinal))
                throw new DiskFlushException("the disk is gone");
        };
        Assert.Throws<DiskFlushException>(() => directories.TryRecord(new NodeId(3), new DirectoryId(6)));
        Assert.Equal(1, signals);
        Assert.Throws<DiskFlushException>(directories.ThrowIfFailed);
    }

    private static Func<TcpTransportOptions, TcpTransportOptions> WithIdentity(IStorage storage) =>
        options =>
        {
            var directories = new PeerDirectories(Identity(storage, options.NodeId, options.Peers.Keys), static () => { });
            return options with { DirectoryId = directories.Own, TryRecordDirectory = directories.TryRecord };
        };

    private static IdentityFile Identity(IStorage storage, NodeId self, IEnumerable<NodeId> peers) =>
        IdentityFile.Open(storage, TestTcpEndpoint.Cluster, self, new Configuration([self, .. peers]));
}
