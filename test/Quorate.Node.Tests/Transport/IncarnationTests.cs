using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>A member that returns without its data directory is rejected under its old identity.</summary>
public sealed class IncarnationTests
{
    private static readonly NodeId Peer = new(2);

    [Fact]
    public async Task A_node_whose_data_directory_was_replaced_is_rejected()
    {
        var (diskOfOne, diskOfTwo) = (new MemoryStorage(), new MemoryStorage());
        var (one, two) = await TestTcpEndpoint.PairAsync(WithIncarnations(diskOfOne), WithIncarnations(diskOfTwo));
        var port = two.EndPoint.Port;
        await two.DisposeAsync();

        // With its data directory it is accepted again, although the other member was restarted in the meantime.
        await one.DisposeAsync();
        one = new TestTcpEndpoint(1, WithIncarnations(diskOfOne));
        two = new TestTcpEndpoint(2, WithIncarnations(diskOfTwo), port);
        one.SetPeers(two);
        two.SetPeers(one);
        await one.WaitUntilConnectedAsync(two);
        await two.DisposeAsync();

        // Without its data directory it is rejected.
        await using var _ = one;
        await using var empty = new TestTcpEndpoint(2, WithIncarnations(new MemoryStorage()), port);
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

    /// <summary>On the first start all members are new to each other. A build that sends no incarnation is accepted as before.</summary>
    [Fact]
    public void A_new_peer_and_a_peer_without_an_incarnation_are_accepted()
    {
        var store = IncarnationStore.Open(new MemoryStorage());
        Assert.NotEqual(0UL, store.Own);

        Assert.True(store.TryRecord(Peer, 22));
        Assert.True(store.TryRecord(Peer, 22));
        Assert.True(store.TryRecord(Peer, 0));
        Assert.False(store.TryRecord(Peer, 23));
        Assert.True(store.TryRecord(new NodeId(3), 23));
    }

    /// <summary>Every accepted peer is recorded, and this directory's own incarnation never changes.</summary>
    [Theory]
    [InlineData(MemoryStoragePowerLossOutcome.Dropped)]
    [InlineData(MemoryStoragePowerLossOutcome.Kept)]
    [InlineData(MemoryStoragePowerLossOutcome.Mixed)]
    public void A_power_loss_at_any_call_forgets_no_recorded_peer(MemoryStoragePowerLossOutcome left)
    {
        for (var call = 0; ; call++)
        {
            var (disk, own, recorded) = (new MemoryStorage(), 0UL, new List<NodeId>());
            var calls = 0;
            disk.BeforeCall = _ =>
            {
                if (calls++ == call)
                    throw new PowerLossException();
            };
            try
            {
                var store = IncarnationStore.Open(disk);
                own = store.Own;
                for (var peer = 2UL; peer < 5; peer++)
                {
                    store.TryRecord(new NodeId(peer), 10 + peer);
                    recorded.Add(new NodeId(peer));
                }

                Assert.True(call > 15, $"only {call} calls");
                return;
            }
            catch (PowerLossException)
            {
                disk.BeforeCall = null;
            }

            var after = disk.CopyAfterPowerLoss(left, call);
            var again = IncarnationStore.Open(after);
            Assert.True(own == 0 || again.Own == own);
            Assert.Equal([IncarnationStore.Name], after.List());
            Assert.All(recorded, peer => Assert.False(again.TryRecord(peer, 99)));
        }
    }

    [Fact]
    public void A_flipped_bit_or_a_shortened_incarnations_file_is_reported()
    {
        var pristine = new MemoryStorage();
        IncarnationStore.Open(pristine).TryRecord(Peer, 22);
        for (var at = 0; at < pristine.BytesOf(IncarnationStore.Name).Length; at++)
        {
            var disk = pristine.Copy();
            disk.BytesOf(IncarnationStore.Name)[at] ^= 4;
            Assert.Equal(IncarnationStore.Name, Assert.Throws<WalCorruptionException>(() => IncarnationStore.Open(disk)).File);

            disk = pristine.Copy();
            using (var file = disk.Open(IncarnationStore.Name))
                file.SetLength(at);
            Assert.Throws<WalCorruptionException>(() => IncarnationStore.Open(disk));
        }
    }

    /// <summary>A peer that cannot be recorded is rejected until there is space.</summary>
    [Fact]
    public void A_new_peer_is_rejected_while_the_disk_is_full()
    {
        var disk = new MemoryStorage();
        var store = IncarnationStore.Open(disk);
        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("write", StringComparison.Ordinal))
                throw new IOException("No space left on device");
        };
        Assert.Throws<IOException>(() => store.TryRecord(Peer, 22));

        disk.BeforeCall = null;
        Assert.True(store.TryRecord(Peer, 23));
        Assert.False(IncarnationStore.Open(disk).TryRecord(Peer, 22));
    }

    private static Func<TcpNetworkOptions, TcpNetworkOptions> WithIncarnations(IStorage storage) =>
        options => options with { Incarnations = IncarnationStore.Open(storage) };
}
