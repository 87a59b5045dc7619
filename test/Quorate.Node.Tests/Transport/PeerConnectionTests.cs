using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>The transport handles broken connections, misbehaving peers and full queues.</summary>
public sealed class PeerConnectionTests
{
    private static readonly NodeId Two = new(2);

    /// <summary>
    /// F17: a frame corrupted in transit is never decoded as a message, whichever byte it is; the connection is dropped and counted.
    /// </summary>
    [Fact]
    public async Task A_frame_with_any_byte_flipped_drops_only_its_connection()
    {
        await using var one = NodeWithPeerTwo();
        var frame = TestMessages.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 1 });
        for (var i = 0; i < frame.Length; i++)
        {
            using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
            var flipped = (byte[])frame.Clone();
            flipped[i] ^= 0x40;
            await raw.SendAsync(flipped);
            await raw.WaitUntilClosedAsync();
        }

        using var honest = await RawPeer.ConnectAndHandshakeAsync(one);
        await honest.SendAsync(one, 77);
        Assert.Equal(77ul, await one.ReceiveReadIdAsync()); // the first and only message that arrived
        Assert.Equal(frame.Length, one.CountersOf(Two).Malformed);
        Assert.Contains("checksum", (await one.WaitForEventAsync(TransportEventKind.Malformed)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_truncated_by_a_sender_crash_is_discarded()
    {
        await using var one = NodeWithPeerTwo();
        var frame = TestMessages.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 1 });
        for (var length = 0; length < frame.Length; length++)
        {
            using (var raw = await RawPeer.ConnectAndHandshakeAsync(one))
                await raw.SendAsync(frame[..length]);
            Assert.Equal(ReceivedEventKind.Disconnected, (await one.ReceiveAsync()).Kind);
        }

        Assert.Equal(0, one.CountersOf(Two).Malformed);
    }

    [Fact]
    public async Task A_frame_above_the_limit_drops_the_connection_before_its_body_arrives()
    {
        await using var one = NodeWithPeerTwo(options => options with { MaxFrameBytes = 4096 });
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        var frame = new byte[4097];
        WireFrame.Seal(frame, WireFrameKind.AppendEntries, GroupId.First);
        await raw.SendAsync(frame[..WireFrame.HeaderBytes]);
        await raw.WaitUntilClosedAsync();
        Assert.Equal(1, one.CountersOf(Two).Malformed);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(2, 9)]
    public async Task A_message_with_another_nodes_id_drops_the_connection(ulong from, ulong to)
    {
        await using var one = NodeWithPeerTwo();
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync(TestMessages.Encode(new ReadIndexRequest { From = new NodeId(from), To = new NodeId(to), ReadId = 1 }));
        await raw.SendAsync(one, 2); // on the same connection, so it must be discarded too
        await TestTcpEndpoint.WaitUntilAsync(() => !one.Network.TryReceive(out _) && one.CountersOf(Two).Malformed == 1);
        await raw.WaitUntilClosedAsync();
        Assert.Equal(0, one.CountersOf(Two).ReceivedMessages);
    }

    [Fact]
    public async Task An_invalid_body_with_valid_checksums_drops_the_connection()
    {
        await using var one = NodeWithPeerTwo();
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        var frame = TestMessages.Encode(
            new RejectProposals { From = Two, To = one.Id, FirstSequence = 1, LastSequence = 2, Reason = RejectReason.Busy });
        frame[WireFrame.HeaderBytes + 24] = 9;
        await raw.SendAsync(TestMessages.Reseal(frame, frame.AsSpan(WireFrame.HeaderBytes)));
        await TestTcpEndpoint.WaitUntilAsync(() => !one.Network.TryReceive(out _) && one.CountersOf(Two).Malformed == 1);
        await raw.WaitUntilClosedAsync();
    }

    [Fact]
    public async Task A_message_of_an_unknown_kind_is_skipped_and_counted()
    {
        await using var one = NodeWithPeerTwo();
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        var frame = new byte[100];
        WireFrame.Seal(frame, (WireFrameKind)99, GroupId.First);
        await raw.SendAsync(frame);
        await raw.SendAsync(one, 7);
        Assert.Equal(7ul, await one.ReceiveReadIdAsync());
        Assert.Equal(1, one.CountersOf(Two).UnknownKinds);
        Assert.Equal(0, one.CountersOf(Two).Malformed);
    }

    /// <summary>The two frames arrive in one read: the skipped one must not keep back the signal for the one before it.</summary>
    [Fact]
    public async Task A_message_of_an_unknown_group_is_skipped_counted_and_reported()
    {
        var signals = 0;
        await using var one = new TestTcpEndpoint(1, onReady: () => Interlocked.Increment(ref signals));
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync([
            .. TestMessages.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 7 }),
            .. TestMessages.Encode(new ReadIndexRequest { From = Two, To = one.Id, ReadId = 8 }, new GroupId(9))]);
        await TestTcpEndpoint.WaitUntilAsync(() => Volatile.Read(ref signals) > 0);
        Assert.Equal(7ul, await one.ReceiveReadIdAsync());
        await raw.SendAsync(one, 10, new GroupId(11));
        await raw.SendAsync(one, 12);
        Assert.Equal(12ul, await one.ReceiveReadIdAsync());

        Assert.Equal((2, 0), (one.CountersOf(Two).UnknownGroups, one.CountersOf(Two).Malformed));
        var reported = Assert.Single(one.Events, reported => reported.Kind == TransportEventKind.UnknownGroup);
        Assert.Equal(Two, reported.Peer);
        Assert.Contains("Skipped a message of node 2 for group 9: this node runs group 1 only.", reported.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_names_no_group_drops_the_connection()
    {
        await using var one = NodeWithPeerTwo();
        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync(one, 1, GroupId.None);
        await raw.WaitUntilClosedAsync();
        Assert.Equal(1, one.CountersOf(Two).Malformed);
    }

    /// <summary>The clock of the test stands still until the test moves it.</summary>
    [Fact]
    public async Task The_time_since_the_last_contact_grows_until_the_peer_sends_again()
    {
        var clock = new ManualClock();
        await using var one = NodeWithPeerTwo(options => options with { TimeProvider = clock });
        Assert.Null(one.CountersOf(Two).SinceLastContact);

        using var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(Two).SinceLastContact == TimeSpan.Zero);
        clock.Advance(5);
        Assert.Equal(TimeSpan.FromSeconds(5), one.CountersOf(Two).SinceLastContact);

        await raw.SendAsync(one, 7);
        Assert.Equal(7ul, await one.ReceiveReadIdAsync());
        Assert.Equal(TimeSpan.Zero, one.CountersOf(Two).SinceLastContact);
        clock.Advance(2);
        raw.Dispose();
        Assert.Equal(ReceivedEventKind.Disconnected, (await one.ReceiveAsync()).Kind);
        Assert.Equal(TimeSpan.FromSeconds(2), one.CountersOf(Two).SinceLastContact);
    }

    [Fact]
    public async Task A_peer_with_a_name_is_called_by_it_and_by_nothing_else()
    {
        await using var one =
            new TestTcpEndpoint(1, options => options with { Names = new Dictionary<NodeId, string> { [Two] = "n2", [new(1)] = "n1" } });
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        Assert.StartsWith(
            "Node n2 cannot be reached", (await one.WaitForEventAsync(TransportEventKind.Unreachable)).Text, StringComparison.Ordinal);
        using (var raw = await RawPeer.ConnectAndHandshakeAsync(one))
            await raw.SendAsync(one, 1, new GroupId(9));
        Assert.Equal("Node n2 has connected to this node.", (await one.WaitForEventAsync(TransportEventKind.Accepted)).Text);
        Assert.StartsWith("Node n2 closed", (await one.WaitForEventAsync(TransportEventKind.Lost)).Text, StringComparison.Ordinal);
        Assert.Contains(
            "message of node n2 ", (await one.WaitForEventAsync(TransportEventKind.UnknownGroup)).Text, StringComparison.Ordinal);

        using var foreign = await RawPeer.ConnectAsync(one);
        await foreign.HandshakeAsync(RawPeer.RequestTo(one) with { ClusterId = 0xBAD });
        Assert.Contains(
            "Rejected node n2 from 127.0.0.1", (await one.WaitForEventAsync(TransportEventKind.Rejected)).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_loop_receives_one_disconnect_when_a_peer_crashes(bool reset)
    {
        await using var one = NodeWithPeerTwo();
        var raw = await RawPeer.ConnectAndHandshakeAsync(one);
        await raw.SendAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        if (reset)
            raw.Reset();
        else
            raw.Dispose();
        Assert.Equal(ReceivedEvent.OfDisconnect(Two), await one.ReceiveAsync());
    }

    [Fact]
    public async Task A_peer_crash_that_ends_both_connections_is_one_disconnect()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        var port = two.EndPoint.Port;
        await two.DisposeAsync();
        Assert.Equal(ReceivedEvent.OfDisconnect(two.Id), await one.ReceiveAsync());
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(two.Id) is { Connected: false, Accepted: false, Losses: 2 });
        Assert.False(one.Network.TryReceive(out _));

        // It returns on the same port, and its next crash is another disconnect.
        await using var again = new TestTcpEndpoint(2, port: port);
        again.SetPeers(one);
        await one.WaitUntilConnectedAsync(again);
        Assert.Equal(2, one.CountersOf(Two).Connects);
        one.Send(again, 8);
        Assert.Equal(8ul, await again.ReceiveReadIdAsync());
        await again.DisposeAsync();
        Assert.Equal(ReceivedEventKind.Disconnected, (await one.ReceiveAsync()).Kind);
    }

    [Fact]
    public async Task A_newer_connection_replaces_the_older_without_a_disconnect()
    {
        await using var one = NodeWithPeerTwo();
        using var older = await RawPeer.ConnectAndHandshakeAsync(one);
        await older.SendAsync(one, 1);
        Assert.Equal(1ul, await one.ReceiveReadIdAsync());
        using var newer = await RawPeer.ConnectAndHandshakeAsync(one);
        await older.WaitUntilClosedAsync();
        await newer.SendAsync(one, 2);
        Assert.Equal(2ul, await one.ReceiveReadIdAsync());
        Assert.Equal(0, one.CountersOf(Two).Losses);
    }

    [Fact]
    public async Task A_removed_peer_is_disconnected_without_an_event()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        await using var second = two;
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress>());
        Assert.Equal(ReceivedEventKind.Disconnected, (await two.ReceiveAsync()).Kind);
        Assert.Equal(HandshakeRejection.UnknownPeer, (await two.WaitForEventAsync(TransportEventKind.RejectedByPeer)).Rejection);
        Assert.False(one.Network.TryReceive(out _));
        Assert.DoesNotContain(one.Events, reported => reported.Kind == TransportEventKind.Lost);
        one.Send(two, 1);
        Assert.Equal(1, one.Network.Counters.DroppedUnknownPeer);
    }

    [Fact]
    public async Task A_peer_with_a_new_address_is_reconnected_there()
    {
        await using var one = new TestTcpEndpoint(1);
        await using var old = new TestTcpEndpoint(2);
        await using var moved = new TestTcpEndpoint(2);
        // Otherwise both would connect as the same node, in turn
        var nowhere = new Dictionary<NodeId, PeerAddress> { [one.Id] = new("127.0.0.1", 1) };
        old.Network.SetPeers(nowhere);
        moved.Network.SetPeers(nowhere);
        one.SetPeers(old);
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(Two).Connected);
        one.SetPeers(moved);
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(Two) is { Connects: 2, Connected: true });
        one.Send(moved, 3);
        Assert.Equal(3ul, await moved.ReceiveReadIdAsync());
    }

    /// <summary>
    /// TCP applies backpressure; what does not fit into the sender's queue is dropped message by message, never in the middle of one.
    /// </summary>
    [Fact]
    public async Task A_full_queue_drops_whole_messages_and_counts_them()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync(
            one: options => options with { MaxFrameBytes = 64 << 10, MaxSendQueueBytes = 256 << 10 },
            two: options => options with { MaxReceiveQueueBytes = 64 << 10 });
        await using var first = one;
        await using var second = two;
        ulong sent = 0;
        while (one.CountersOf(two.Id).DroppedMessages < 50)
            SendEntry(one, two, ++sent, 30_000);
        Assert.InRange(one.CountersOf(two.Id).SendQueueBytes, 1, 256 << 10);

        // The queue has space again once the other side reads; the marker at the end arrives, so no message is in flight behind it.
        ulong received = 0;
        ulong last = 0;
        while (last != sent + 1)
        {
            if (one.CountersOf(two.Id).SendQueueBytes == 0)
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

        Assert.Equal((long)sent, (long)received + one.CountersOf(two.Id).DroppedMessages);
    }

    [Fact]
    public async Task A_loop_that_stops_receiving_applies_backpressure_without_loss()
    {
        const int Count = 2000;
        var (one, two) = await TestTcpEndpoint.PairAsync(two: options => options with { MaxReceiveQueueBytes = 100_000 });
        await using var first = one;
        await using var second = two;
        for (ulong i = 1; i <= Count; i++)
            SendEntry(one, two, i, 10_000);
        await TestTcpEndpoint.WaitUntilAsync(() => two.CountersOf(one.Id).ReceiveQueueBytes >= 100_000);
        for (ulong i = 1; i <= Count; i++)
        {
            Assert.Equal(i, Assert.IsType<AppendEntries>((await two.ReceiveAsync()).Message).Entries.Span[0].Proposal.Sequence);
            Assert.InRange(two.CountersOf(one.Id).ReceiveQueueBytes, 1, 100_000 + 10_200);
        }

        Assert.Equal(0, one.CountersOf(two.Id).DroppedMessages);
    }

    [Fact]
    public async Task A_flooding_peer_does_not_block_another_peer()
    {
        await using var one = new TestTcpEndpoint(1, options => options with { MaxReceiveQueueBytes = 50_000 });
        await using var two = new TestTcpEndpoint(2);
        await using var three = new TestTcpEndpoint(3);
        one.SetPeers(two, three);
        two.SetPeers(one);
        three.SetPeers(one);
        await one.WaitUntilConnectedAsync(two);
        await one.WaitUntilConnectedAsync(three);
        for (ulong i = 1; i <= 1000; i++)
            SendEntry(two, one, i, 10_000);
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(two.Id).ReceiveQueueBytes >= 50_000);
        three.Send(one, 5);
        // It arrived, although the other peer is blocked
        await TestTcpEndpoint.WaitUntilAsync(() => one.CountersOf(three.Id).ReceiveQueueBytes > 0);
    }

    [Fact]
    public async Task Messages_to_an_unreachable_peer_are_dropped_and_counted()
    {
        await using var one = NodeWithPeerTwo();
        for (var i = 0; i < 10; i++)
            one.Send(new ReadIndexRequest { From = one.Id, To = Two, ReadId = 1 });
        Assert.Equal(10, one.CountersOf(Two).DroppedMessages);
        Assert.Equal(0, one.CountersOf(Two).SendQueueBytes);
    }

    [Fact]
    public async Task Dispose_closes_every_connection_and_frees_the_port()
    {
        var one = NodeWithPeerTwo();
        using var welcome = await RawPeer.ConnectAndHandshakeAsync(one);
        using var silent = await RawPeer.ConnectAsync(one);
        var port = one.EndPoint.Port;
        await one.DisposeAsync();
        await welcome.WaitUntilClosedAsync();
        await silent.WaitUntilClosedAsync();
        await using var next = new TestTcpEndpoint(1, port: port);
        await one.DisposeAsync(); // a second call has no effect
    }

    [Fact]
    public async Task An_exception_in_a_background_task_is_thrown_in_the_loop()
    {
        await using var one =
            new TestTcpEndpoint(1, options => options with { OnEvent = _ => throw new InvalidOperationException("a bug of the owner's") });
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(one.ReceiveAsync);
        Assert.Equal("a bug of the owner's", fault.Message);
    }

    private static TestTcpEndpoint NodeWithPeerTwo(Func<TcpTransportOptions, TcpTransportOptions>? with = null)
    {
        var node = new TestTcpEndpoint(1, with);
        node.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [Two] = new("127.0.0.1", 1) });
        return node;
    }

    private static void SendEntry(TestTcpEndpoint from, TestTcpEndpoint to, ulong sequence, int bytes)
    {
        var payload = new byte[bytes];
        payload.AsSpan().Fill((byte)sequence);
        var entry = new LogEntry(new EntryId(new Term(1), new LogIndex(1)), EntryKind.Command, new ProposalId(from.Id, sequence), payload);
        from.Send(new AppendEntries { From = from.Id, To = to.Id, Term = new Term(1), Entries = new[] { entry } });
    }

    private sealed class ManualClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Volatile.Read(ref _seconds);

        public void Advance(long seconds) => Interlocked.Add(ref _seconds, seconds);
    }
}
