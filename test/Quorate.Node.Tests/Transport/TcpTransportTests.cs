using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Transport;

/// <summary>Messages between healthy nodes.</summary>
public sealed class TcpTransportTests
{
    [Fact]
    public async Task Every_kind_of_message_arrives_as_it_was_sent()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        await using var second = two;
        foreach (var message in TestMessages.OneOfEach())
        {
            (message.From, message.To) = (one.Id, two.Id);
            one.Send(message);
            var received = await two.ReceiveAsync();
            Assert.Equal(one.Id, received.Peer);
            Assert.Equal(TestMessages.Show(message), TestMessages.Show(received.Message));
        }
    }

    [Fact]
    public async Task Thousands_of_messages_arrive_both_ways_in_order()
    {
        const int Count = 20_000;
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        await using var second = two;
        await Task.WhenAll(Exchange(one, two), Exchange(two, one));
        Assert.Equal(Count, one.CountersOf(two.Id).ReceivedMessages);
        Assert.Equal(Count, one.CountersOf(two.Id).SentMessages);
        Assert.Equal(0, one.CountersOf(two.Id).DroppedMessages);
        Assert.Equal(one.CountersOf(two.Id).SentBytes, two.CountersOf(one.Id).ReceivedBytes);

        static async Task Exchange(TestTcpEndpoint self, TestTcpEndpoint other)
        {
            ulong sent = 0;
            for (ulong received = 0; received < Count; received++)
            {
                for (var burst = 0; burst < 7 && sent < Count; burst++)
                    self.Network.Send(new ReadIndexRequest { From = self.Id, To = other.Id, ReadId = sent++ });
                self.Network.Flush();
                Assert.Equal(received, await self.ReceiveReadIdAsync());
            }
        }
    }

    [Fact]
    public async Task Entries_of_every_size_arrive_and_their_payloads_stay_valid()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync();
        await using var first = one;
        await using var second = two;
        int[] sizes = [0, 1, 100, 4096, 65_000, 65_536, 66_000, 1 << 20, 8 << 20, 3];
        var kept = new List<LogEntry>();
        var random = new Random(1);
        foreach (var size in sizes)
        {
            var payload = new byte[size];
            random.NextBytes(payload);
            var entry = new LogEntry(new EntryId(new Term(1), new LogIndex(1)), EntryKind.Command, new ProposalId(one.Id, 1), payload);
            one.Send(new AppendEntries { From = one.Id, To = two.Id, Term = new Term(1), Entries = new[] { entry } });
            kept.Add(Assert.IsType<AppendEntries>((await two.ReceiveAsync()).Message).Entries.Span[0]);
        }

        random = new Random(1);
        foreach (var (size, entry) in sizes.Zip(kept))
        {
            var payload = new byte[size];
            random.NextBytes(payload);
            Assert.Equal(payload, entry.Payload.ToArray());
        }
    }

    [Fact]
    public async Task Nothing_is_received_after_dispose()
    {
        var signals = 0;
        var one = new TestTcpEndpoint(1, onReady: () => Interlocked.Increment(ref signals));
        one.Network.SetPeers(new Dictionary<NodeId, PeerAddress> { [new(2)] = new("127.0.0.1", 1) });
        using (await RawPeer.ConnectAndHandshakeAsync(one))
        {
            // It closes its connection: one signal when the reader ends, and one for the event.
        }

        await TestTcpEndpoint.WaitUntilAsync(() => Volatile.Read(ref signals) == 2);
        await one.DisposeAsync();
        Assert.False(one.Network.TryReceive(out _));
    }

    [Fact]
    public async Task A_message_to_an_unknown_node_is_dropped_and_counted()
    {
        await using var one = new TestTcpEndpoint(1);
        one.Send(new ReadIndexRequest { From = one.Id, To = new NodeId(9) });
        Assert.Equal(1, one.Network.Counters.DroppedUnknownPeer);
    }

    [Fact]
    public async Task A_message_to_the_own_node_throws()
    {
        await using var one = new TestTcpEndpoint(1);
        Assert.Throws<InvalidOperationException>(() => one.Send(new ReadIndexRequest { From = one.Id, To = one.Id }));
    }

    [Fact]
    public async Task A_message_above_the_frame_limit_throws()
    {
        var (one, two) = await TestTcpEndpoint.PairAsync(one: options => options with { MaxFrameBytes = 4096 });
        await using var first = one;
        await using var second = two;
        var entry = new LogEntry(new EntryId(new Term(1), new LogIndex(1)), EntryKind.Command, default, new byte[5000]);
        Assert.Throws<InvalidOperationException>(() =>
            one.Send(new AppendEntries { From = one.Id, To = two.Id, Term = new Term(1), Entries = new[] { entry } }));
    }

    [Fact]
    public async Task A_port_in_use_is_reported_with_the_remedy()
    {
        await using var one = new TestTcpEndpoint(1);
        var fault = Assert.Throws<TransportStartException>(() => new TestTcpEndpoint(2, port: one.EndPoint.Port));
        Assert.Contains($"{one.EndPoint.Port}: the port is in use", fault.Message, StringComparison.Ordinal);
        Assert.Contains("another peer port", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1", "no network interface")]
    [InlineData("no-such-host.invalid", "has no address")]
    public void A_bad_listen_address_is_reported_with_the_remedy(string host, string why)
    {
        var fault = Assert.Throws<TransportStartException>(
            () => new TestTcpEndpoint(1, options => options with { ListenEndPoints = [new PeerAddress(host, 0)] }));
        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_option_out_of_range_is_rejected_by_name()
    {
        var fault = Assert.Throws<ArgumentException>(() => new TestTcpEndpoint(1, options => options with { MaxSendQueueBytes = 5 }));
        Assert.Contains("MaxSendQueueBytes is 5", fault.Message, StringComparison.Ordinal);
    }
}
