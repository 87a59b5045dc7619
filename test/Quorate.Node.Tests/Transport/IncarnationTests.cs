using Quorate.Node.Io;
using Quorate.Node.Tests.Io;
using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>A member that comes back without its memory does not come back as itself.</summary>
public sealed class IncarnationTests
{
    private static readonly NodeId Peer = new(2);

    [Fact]
    public async Task A_node_with_another_folder_than_before_is_refused_by_whoever_has_met_it_and_both_are_told_why()
    {
        var (diskOfOne, diskOfTwo) = (new MemoryDisk(), new MemoryDisk());
        var (one, two) = await TestNode.PairAsync(With(diskOfOne), With(diskOfTwo));
        var port = two.EndPoint.Port;
        await two.DisposeAsync();

        // With its folder it comes back, though the other was restarted in the meantime.
        await one.DisposeAsync();
        one = new TestNode(1, With(diskOfOne));
        two = new TestNode(2, With(diskOfTwo), port);
        one.Knows(two);
        two.Knows(one);
        await one.UntilConnectedAsync(two);
        await two.DisposeAsync();

        // Without it, no.
        await using var _ = one;
        await using var empty = new TestNode(2, With(new MemoryDisk()), port);
        empty.Knows(one);
        var told = await empty.UntilToldAsync(TransportEventKind.RefusedByPeer);
        Assert.Equal((HandshakeRefusal.AnotherFolder, one.Id), (told.Refusal, told.Peer));
        Assert.Contains("has met this node 2 with another data folder", told.Text, StringComparison.Ordinal);
        Assert.Contains("add it anew", told.Text, StringComparison.Ordinal);
        var here = await one.UntilToldAsync(TransportEventKind.Refused);
        Assert.Equal((HandshakeRefusal.AnotherFolder, empty.Id), (here.Refusal, here.Peer));
        Assert.Contains("it must not vote again under its old id", here.Text, StringComparison.Ordinal);

        // And in the other direction: nothing is sent to it either.
        var unheard = await one.UntilToldAsync(TransportEventKind.RefusedByPeer);
        Assert.Equal(HandshakeRefusal.AnotherFolder, unheard.Refusal);
        Assert.Contains("Nothing is sent to it", unheard.Text, StringComparison.Ordinal);
        Assert.False(one.With(empty.Id).Connected || one.With(empty.Id).Accepted);
    }

    /// <summary>The first start: all are new to each other. A build that does not say is met as before.</summary>
    [Fact]
    public void Whoever_was_never_met_is_let_in_and_so_is_one_that_does_not_say()
    {
        var book = IncarnationBook.Open(new MemoryDisk());
        Assert.NotEqual(0UL, book.Own);

        Assert.True(book.Meet(Peer, 22));
        Assert.True(book.Meet(Peer, 22));
        Assert.True(book.Meet(Peer, 0));
        Assert.False(book.Meet(Peer, 23));
        Assert.True(book.Meet(new NodeId(3), 23));
    }

    /// <summary>Whoever was told that it is welcome is remembered; what this folder said of itself stays so.</summary>
    [Theory]
    [InlineData(Unflushed.Dropped)]
    [InlineData(Unflushed.Kept)]
    [InlineData(Unflushed.Mixed)]
    public void A_power_cut_at_any_call_forgets_nobody_who_was_welcomed(Unflushed left)
    {
        for (var call = 0; ; call++)
        {
            var (disk, own, met) = (new MemoryDisk(), 0UL, new List<NodeId>());
            var calls = 0;
            disk.Before = _ =>
            {
                if (calls++ == call)
                    throw new PowerCutException();
            };
            try
            {
                var book = IncarnationBook.Open(disk);
                own = book.Own;
                for (var peer = 2UL; peer < 5; peer++)
                {
                    book.Meet(new NodeId(peer), 10 + peer);
                    met.Add(new NodeId(peer));
                }

                Assert.True(call > 15, $"only {call} calls");
                return;
            }
            catch (PowerCutException)
            {
                disk.Before = null;
            }

            var after = disk.CrashedCopy(left, call);
            var again = IncarnationBook.Open(after);
            Assert.True(own == 0 || again.Own == own);
            Assert.Equal([IncarnationBook.Name], after.List());
            Assert.All(met, peer => Assert.False(again.Meet(peer, 99)));
        }
    }

    [Fact]
    public void A_flipped_bit_and_a_shorter_file_are_named()
    {
        var pristine = new MemoryDisk();
        IncarnationBook.Open(pristine).Meet(Peer, 22);
        for (var at = 0; at < pristine.BytesOf(IncarnationBook.Name).Length; at++)
        {
            var disk = pristine.Copy();
            disk.BytesOf(IncarnationBook.Name)[at] ^= 4;
            Assert.Equal(IncarnationBook.Name, Assert.Throws<WalDamageException>(() => IncarnationBook.Open(disk)).File);

            disk = pristine.Copy();
            using (var file = disk.Open(IncarnationBook.Name))
                file.SetLength(at);
            Assert.Throws<WalDamageException>(() => IncarnationBook.Open(disk));
        }
    }

    /// <summary>A peer that cannot be remembered is not let in: not now, and once there is room it is.</summary>
    [Fact]
    public void On_a_full_disk_nobody_new_is_let_in()
    {
        var disk = new MemoryDisk();
        var book = IncarnationBook.Open(disk);
        disk.Before = static call =>
        {
            if (call.StartsWith("write", StringComparison.Ordinal))
                throw new IOException("No space left on device");
        };
        Assert.Throws<IOException>(() => book.Meet(Peer, 22));

        disk.Before = null;
        Assert.True(book.Meet(Peer, 23));
        Assert.False(IncarnationBook.Open(disk).Meet(Peer, 22));
    }

    private static Func<TcpNetworkOptions, TcpNetworkOptions> With(IDisk disk) => options => options with { Incarnations = IncarnationBook.Open(disk) };
}
