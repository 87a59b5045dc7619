using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>Connections that break, peers that misbehave, queues that fill.</summary>
public sealed class ConnectionTests
{
    private static readonly NodeId Two = new(2);

    /// <summary>F17: a frame damaged on its way is never taken for a message, whichever byte it is; the connection is dropped and counted.</summary>
    [Fact]
    public async Task A_frame_with_any_byte_flipped_drops_its_connection_and_nothing_else()
    {
        await using var one = NodeThatKnowsTwo();
        var frame = Wire.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 1 });
        for (var i = 0; i < frame.Length; i++)
        {
            using var raw = await RawPeer.WelcomeAsync(one);
            var flipped = (byte[])frame.Clone();
            flipped[i] ^= 0x40;
            await raw.SayAsync(flipped);
            await raw.UntilClosedAsync();
        }

        using var honest = await RawPeer.WelcomeAsync(one);
        await honest.SayAsync(one, 77);
        Assert.Equal(77ul, await one.ReceiveReadIdAsync()); // the first and only thing that came through
        Assert.Equal(frame.Length, one.With(Two).Malformed);
        Assert.Contains("checksum", (await one.UntilToldAsync(TransportEventKind.Malformed)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_cut_by_the_death_of_its_sender_is_no_message()
    {
        await using var one = NodeThatKnowsTwo();
        var frame = Wire.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 1 });
        for (var length = 0; length < frame.Length; length++)
        {
            using (var raw = await RawPeer.WelcomeAsync(one))
                await raw.SayAsync(frame[..length]);
            Assert.Equal(NetworkEventKind.Disconnected, (await one.ReceiveAsync()).Kind);
        }

        Assert.Equal(0, one.With(Two).Malformed);
    }

    [Fact]
    public async Task A_frame_larger_than_allowed_drops_its_connection_before_its_body_comes()
    {
        await using var one = NodeThatKnowsTwo(options => options with { FrameBytesMax = 4096 });
        using var raw = await RawPeer.WelcomeAsync(one);
        var frame = new byte[4097];
        WireFrame.Seal(frame, WireKind.AppendEntries);
        await raw.SayAsync(frame[..WireFrame.HeaderBytes]);
        await raw.UntilClosedAsync();
        Assert.Equal(1, one.With(Two).Malformed);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(2, 9)]
    public async Task A_message_in_anothers_name_drops_the_connection(ulong from, ulong to)
    {
        await using var one = NodeThatKnowsTwo();
        using var raw = await RawPeer.WelcomeAsync(one);
        await raw.SayAsync(Wire.Encode(new ReadIndexRequest { From = new NodeId(from), To = new NodeId(to), ReadId = 1 }));
        await raw.SayAsync(one, 2); // on the same connection, so not to be believed either
        await TestNode.UntilAsync(() => !one.Network.TryReceive(out _) && one.With(Two).Malformed == 1);
        await raw.UntilClosedAsync();
        Assert.Equal(0, one.With(Two).ReceivedMessages);
    }

    [Fact]
    public async Task A_body_that_makes_no_sense_drops_the_connection_though_its_checksums_are_right()
    {
        await using var one = NodeThatKnowsTwo();
        using var raw = await RawPeer.WelcomeAsync(one);
        var frame = Wire.Encode(new RejectProposals { From = Two, To = one.Id, FirstSequence = 1, LastSequence = 2, Reason = RejectReason.Busy });
        frame[WireFrame.HeaderBytes + 24] = 9;
        await raw.SayAsync(Wire.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes)));
        await TestNode.UntilAsync(() => !one.Network.TryReceive(out _) && one.With(Two).Malformed == 1);
        await raw.UntilClosedAsync();
    }

    [Fact]
    public async Task A_message_of_a_kind_unknown_to_us_is_passed_over_and_counted()
    {
        await using var one = NodeThatKnowsTwo();
        using var raw = await RawPeer.WelcomeAsync(one);
        var frame = new byte[100];
        WireFrame.Seal(frame, (WireKind)99);
        await raw.SayAsync(frame);
        await raw.SayAsync(one, 7);
        Assert.Equal(7ul, await one.ReceiveReadIdAsync());
        Assert.Equal(1, one.With(Two).UnknownKinds);
        Assert.Equal(0, one.With(Two).Malformed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_loop_is_told_once_when_a_peer_dies(bool reset)
    {
        await using var one = NodeThatKnowsTwo();
        var raw = await RawPeer.WelcomeAsync(one);
        await raw.SayAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        if (reset)
            raw.Reset();
        else
            raw.Dispose();
        Assert.Equal(new NetworkEvent(NetworkEventKind.Disconnected, Two, null), await one.ReceiveAsync());
    }

    [Fact]
    public async Task The_death_of_a_peer_that_takes_both_connections_is_one_loss()
    {
        var (one, two) = await TestNode.PairAsync();
        await using var first = one;
        var port = two.EndPoint.Port;
        await two.DisposeAsync();
        Assert.Equal(new NetworkEvent(NetworkEventKind.Disconnected, two.Id, null), await one.ReceiveAsync());
        await TestNode.UntilAsync(() => one.With(two.Id) is { Connected: false, Accepted: false, Losses: 2 });
        Assert.False(one.Network.TryReceive(out _));

        // It returns, on the same port, and its next death is another loss.
        await using var again = new TestNode(2, port: port);
        again.Knows(one);
        await one.UntilConnectedAsync(again);
        Assert.Equal(2, one.With(Two).Connects);
        one.Send(again, 8);
        Assert.Equal(8ul, await again.ReceiveReadIdAsync());
        await again.DisposeAsync();
        Assert.Equal(NetworkEventKind.Disconnected, (await one.ReceiveAsync()).Kind);
    }

    [Fact]
    public async Task A_newer_connection_of_a_peer_replaces_the_older_without_a_loss()
    {
        await using var one = NodeThatKnowsTwo();
        using var older = await RawPeer.WelcomeAsync(one);
        await older.SayAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        using var newer = await RawPeer.WelcomeAsync(one);
        await older.UntilClosedAsync();
        await newer.SayAsync(one, 2);
        Assert.Equal(2ul, await one.ReceiveReadIdAsync());
        Assert.Equal(0, one.With(Two).Losses);
    }

    [Fact]
    public async Task A_peer_that_is_removed_is_cut_off_without_a_loss()
    {
        var (one, two) = await TestNode.PairAsync();
        await using var first = one;
        await using var second = two;
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress>());
        Assert.Equal(NetworkEventKind.Disconnected, (await two.ReceiveAsync()).Kind);
        Assert.Equal(HandshakeRefusal.UnknownPeer, (await two.UntilToldAsync(TransportEventKind.RefusedByPeer)).Refusal);
        Assert.False(one.Network.TryReceive(out _));
        Assert.DoesNotContain(one.Events, told => told.Kind == TransportEventKind.Lost);
        one.Send(two, 1);
        Assert.Equal(1, one.Network.Counters.DroppedUnknownPeer);
    }

    [Fact]
    public async Task A_peer_that_moves_is_found_at_its_new_address_though_the_old_one_still_answers()
    {
        await using var one = new TestNode(1);
        await using var old = new TestNode(2);
        await using var moved = new TestNode(2);
        var nowhere = new Dictionary<NodeId, PeerAddress> { [one.Id] = new("127.0.0.1", 1) }; // else the two would dial as one node, in turn
        old.Network.SetPeers(nowhere);
        moved.Network.SetPeers(nowhere);
        one.Knows(old);
        await TestNode.UntilAsync(() => one.With(Two).Connected);
        one.Knows(moved);
        await TestNode.UntilAsync(() => one.With(Two) is { Connects: 2, Connected: true });
        one.Send(moved, 3);
        Assert.Equal(3ul, await moved.ReceiveReadIdAsync());
    }

    /// <summary>TCP holds the sender back; what does not fit into its queue is dropped message by message, never in the middle of one.</summary>
    [Fact]
    public async Task A_full_queue_drops_whole_messages_and_counts_them()
    {
        var (one, two) = await TestNode.PairAsync(
            one: options => options with { FrameBytesMax = 64 << 10, SendQueueBytesMax = 256 << 10 },
            two: options => options with { InboxBytesMax = 64 << 10 });
        await using var first = one;
        await using var second = two;
        ulong sent = 0;
        while (one.With(two.Id).DroppedMessages < 50)
            SendEntry(one, two, ++sent, 30_000);
        Assert.InRange(one.With(two.Id).QueuedBytes, 1, 256 << 10);

        // The queue has room again once the other side reads; the mark at the end gets through, and so nothing is on its way behind it.
        ulong received = 0;
        ulong last = 0;
        while (last != sent + 1)
        {
            if (one.With(two.Id).QueuedBytes == 0)
                SendEntry(one, two, sent + 1, 30_000);
            if (!two.Network.TryReceive(out var arrived))
                continue;
            var entry = Assert.IsType<AppendEntries>(arrived.Message).Entries.Span[0];
            Assert.True(entry.Proposal.Sequence > last || entry.Proposal.Sequence == sent + 1);
            Assert.Equal(30_000, entry.Payload.Length);
            Assert.Equal(-1, entry.Payload.Span.IndexOfAnyExcept((byte)entry.Proposal.Sequence));
            last = entry.Proposal.Sequence;
            if (last <= sent)
                received++;
        }

        Assert.Equal((long)sent, (long)received + one.With(two.Id).DroppedMessages);
    }

    [Fact]
    public async Task A_loop_that_does_not_take_holds_the_sender_back_and_loses_nothing()
    {
        const int Count = 2000;
        var (one, two) = await TestNode.PairAsync(two: options => options with { InboxBytesMax = 100_000 });
        await using var first = one;
        await using var second = two;
        for (ulong i = 1; i <= Count; i++)
            SendEntry(one, two, i, 10_000);
        await TestNode.UntilAsync(() => two.With(one.Id).InboxBytes >= 100_000);
        for (ulong i = 1; i <= Count; i++)
        {
            Assert.Equal(i, Assert.IsType<AppendEntries>((await two.ReceiveAsync()).Message).Entries.Span[0].Proposal.Sequence);
            Assert.InRange(two.With(one.Id).InboxBytes, 1, 100_000 + 10_200);
        }

        Assert.Equal(0, one.With(two.Id).DroppedMessages);
    }

    [Fact]
    public async Task A_peer_that_floods_does_not_keep_another_out()
    {
        await using var one = new TestNode(1, options => options with { InboxBytesMax = 50_000 });
        await using var two = new TestNode(2);
        await using var three = new TestNode(3);
        one.Knows(two, three);
        two.Knows(one);
        three.Knows(one);
        await one.UntilConnectedAsync(two);
        await one.UntilConnectedAsync(three);
        for (ulong i = 1; i <= 1000; i++)
            SendEntry(two, one, i, 10_000);
        await TestNode.UntilAsync(() => one.With(two.Id).InboxBytes >= 50_000);
        three.Send(one, 5);
        await TestNode.UntilAsync(() => one.With(three.Id).InboxBytes > 0); // it came, though the other is held back
    }

    [Fact]
    public async Task What_is_sent_while_nobody_is_there_is_dropped_and_counted()
    {
        await using var one = NodeThatKnowsTwo();
        for (var i = 0; i < 10; i++)
            one.Send(new ReadIndexRequest { From = one.Id, To = Two, ReadId = 1 });
        Assert.Equal(10, one.With(Two).DroppedMessages);
        Assert.Equal(0, one.With(Two).QueuedBytes);
    }

    [Fact]
    public async Task After_disposal_nothing_is_left_open()
    {
        var one = NodeThatKnowsTwo();
        using var welcome = await RawPeer.WelcomeAsync(one);
        using var silent = await RawPeer.ConnectAsync(one);
        var port = one.EndPoint.Port;
        await one.DisposeAsync();
        await welcome.UntilClosedAsync();
        await silent.UntilClosedAsync();
        await using var next = new TestNode(1, port: port);
        await one.DisposeAsync(); // twice is once
    }

    [Fact]
    public async Task A_bug_in_a_background_task_comes_out_at_the_loop()
    {
        await using var one = new TestNode(1, options => options with { OnEvent = _ => throw new InvalidOperationException("a bug of the owner's") });
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(one.ReceiveAsync);
        Assert.Equal("a bug of the owner's", fault.Message);
    }

    private static TestNode NodeThatKnowsTwo(Func<TcpNetworkOptions, TcpNetworkOptions>? with = null)
    {
        var node = new TestNode(1, with);
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        return node;
    }

    private static void SendEntry(TestNode from, TestNode to, ulong sequence, int bytes)
    {
        var payload = new byte[bytes];
        payload.AsSpan().Fill((byte)sequence);
        var entry = new LogEntry(new EntryId(new Term(1), new LogIndex(1)), EntryKind.Command, new ProposalId(from.Id, sequence), payload);
        from.Send(new AppendEntries { From = from.Id, To = to.Id, Term = new Term(1), Entries = new[] { entry } });
    }
}
