using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Conformance;

/// <summary>Verifies that an implementation of <see cref="ITransport"/> does what that interface documents.</summary>
/// <remarks>
/// It needs no test framework: a failed check throws <see cref="ConformanceException"/>. Every check starts members of its own, on
/// addresses of its own, and disposes them. The checks wait for conditions, so a right transport passes them on a slow machine too.
/// </remarks>
public static class TransportConformance
{
    private const ulong Cluster = 0xC0;

    private static readonly Dictionary<string, Func<Run, Task>> _checks = new(StringComparer.Ordinal)
    {
        ["every message arrives as it was sent"] = EveryMessageArrivesAsItWasSent,
        ["a message may be reused after Send"] = AMessageMayBeReusedAfterSend,
        ["payloads stay valid"] = PayloadsStayValid,
        ["messages of a sender arrive in order and once"] = MessagesArriveInOrderAndOnce,
        ["every event is signalled"] = EveryEventIsSignalled,
        ["a peer that receives nothing does not block, and its queue is bounded"] = QueuesAreBounded,
        ["a peer that receives nothing does not hold up another peer"] = APeerDoesNotHoldUpAnother,
        ["an unreachable peer costs messages, no exception"] = AnUnreachablePeerCostsMessages,
        ["a peer that restarts is reached again"] = APeerThatRestartsIsReached,
        ["nothing is delivered after DisposeAsync"] = NothingIsDeliveredAfterDispose,
        ["a peer with another data directory is rejected"] = APeerWithAnotherDirectoryIsRejected,
        ["a node of another cluster is rejected"] = ANodeOfAnotherClusterIsRejected,
        ["a message to itself or from another node is a bug"] = AWronglyAddressedMessageIsABug,
    };

    /// <summary>The names of all checks.</summary>
    public static IReadOnlyCollection<string> Checks => _checks.Keys;

    /// <summary>Runs all checks, one after another.</summary>
    /// <param name="start">Starts a transport, as <see cref="Quorate.Node.RaftNodeOptions.TransportFactory"/> does.</param>
    /// <param name="options">Addresses and limits; null: the defaults.</param>
    /// <exception cref="ConformanceException">A check failed.</exception>
    public static async Task RunAsync(Func<TransportStartContext, ITransport> start, TransportConformanceOptions? options = null)
    {
        foreach (var check in Checks)
            await RunAsync(check, start, options).ConfigureAwait(false);
    }

    /// <summary>Runs one check, so that a test framework can report each of <see cref="Checks"/> by itself.</summary>
    /// <param name="check">One of <see cref="Checks"/>.</param>
    /// <param name="start">Starts a transport.</param>
    /// <param name="options">Addresses and limits; null: the defaults.</param>
    /// <exception cref="ConformanceException">The check failed.</exception>
    public static async Task RunAsync(
        string check, Func<TransportStartContext, ITransport> start, TransportConformanceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (!_checks.TryGetValue(check, out var body))
            throw new ArgumentException($"'{check}' is not a check; TransportConformance.Checks lists them.", nameof(check));

        var run = new Run(check, start, options ?? new TransportConformanceOptions());
        await using (run.ConfigureAwait(false))
        {
            try
            {
                await body(run).ConfigureAwait(false);
            }
            catch (Exception thrown) when (thrown is not ConformanceException)
            {
                throw new ConformanceException(check, $"the transport threw {thrown.GetType().Name}: {thrown.Message}", thrown);
            }
        }
    }

    private static async Task EveryMessageArrivesAsItWasSent(Run run)
    {
        var (one, two) = await run.StartPairAsync().ConfigureAwait(false);
        var codec = new MessageCodec(GroupId.First, 16 << 20);
        foreach (var message in SampleMessages.All(one.Id, two.Id))
        {
            one.Transport.Send(message);
            one.Transport.Flush();
            var received = (await two.ReceiveAsync().ConfigureAwait(false)).Message!;
            one.Require(
                Bytes(codec, message).SequenceEqual(Bytes(codec, received)),
                $"member {one.Id} sent {message}, and {received} was received");
        }
    }

    private static async Task AMessageMayBeReusedAfterSend(Run run)
    {
        var (one, two) = await run.StartPairAsync().ConfigureAwait(false);
        var message = new ReadIndexRequest { From = one.Id, To = two.Id, Term = new Term(1) };
        for (message.ReadId = 1000; message.ReadId < 1010; message.ReadId++)
            one.Transport.Send(message);
        one.Transport.Flush();
        for (var expected = 1000UL; expected < 1010; expected++)
        {
            var received = await two.ReceiveAsync().ConfigureAwait(false);
            one.Require(
                received.Message is ReadIndexRequest { ReadId: var id } && id == expected,
                $"ten messages were sent from one reused object, and {received.Message} was received instead of number {expected}: "
                + "Send must encode or copy the message");
        }
    }

    private static async Task PayloadsStayValid(Run run)
    {
        const int Count = 200;
        var (one, two) = await run.StartPairAsync().ConfigureAwait(false);
        var kept = new List<ReadOnlyMemory<byte>>();
        for (var i = 0; i < Count; i++)
        {
            one.Transport.Send(SampleMessages.OneEntry(one.Id, two.Id, (ulong)i + 1, bytes: 100 + (50 * i)));
            one.Transport.Flush();
            if ((await two.ReceiveAsync().ConfigureAwait(false)).Message is AppendEntries { Entries.Length: 1 } appended)
                kept.Add(appended.Entries.Span[0].Payload);
        }

        one.Require(kept.Count == Count, $"of {Count} messages with one entry each, {kept.Count} were received with their entry");
        for (var i = 0; i < Count; i++)
        {
            one.Require(
                kept[i].Length == 100 + (50 * i) && !kept[i].Span.ContainsAnyExcept((byte)(i + 1)),
                $"the payload of entry {i} changed while later messages were received: its memory was used again");
        }
    }

    private static async Task MessagesArriveInOrderAndOnce(Run run)
    {
        const ulong Count = 3000;
        var members = await run.StartConnectedAsync(3).ConfigureAwait(false);
        var receiver = members[0];
        var last = new Dictionary<NodeId, ulong> { [members[1].Id] = 0, [members[2].Id] = 0 };
        var started = SampleMessages.FirstNumber;
        for (var number = started; number < started + Count; number++)
        {
            foreach (var sender in members.Skip(1))
            {
                sender.Queue(receiver.Id, number);
                if (number % 7 == 0 || number == started + Count - 1)
                    sender.Transport.Flush();
            }

            // Not more than one burst is on its way, so that no queue needs to drop anything.
            while (number % 70 == 0 && last.Values.Min() + 70 < number)
                Check(await receiver.ReceiveAsync().ConfigureAwait(false));
        }

        while (last.Values.Min() < started + Count - 1)
            Check(await receiver.ReceiveAsync().ConfigureAwait(false));

        void Check(ReceivedEvent received)
        {
            var number = ((ReadIndexRequest)received.Message!).ReadId;
            if (number < started)
                return; // of the time when the members were connecting
            receiver.Require(
                number > last[received.Peer],
                $"message {number} of member {received.Peer} arrived after message {last[received.Peer]}: "
                + "messages of one sender must arrive in order, and at most once");
            last[received.Peer] = number;
        }
    }

    private static async Task EveryEventIsSignalled(Run run)
    {
        var (one, two) = await run.StartPairAsync().ConfigureAwait(false);
        for (var number = SampleMessages.FirstNumber; number < SampleMessages.FirstNumber + 500; number++)
        {
            // Nothing is left to receive, so this message needs a signal of its own.
            var signals = two.Signals;
            one.Send(two, number);
            await two.UntilAsync(() => two.Signals > signals, "a message was sent, and OnReady was not called").ConfigureAwait(false);
            ulong received;
            do
                received = ((ReadIndexRequest)(await two.ReceiveAsync().ConfigureAwait(false)).Message!).ReadId;
            while (received < number);
        }
    }

    private static async Task QueuesAreBounded(Run run)
    {
        const int MessageBytes = 256 << 10;
        var (one, two) = await run.StartPairAsync().ConfigureAwait(false);
        var before = Dropped(one);
        ulong sent = SampleMessages.FirstNumber;
        var messages = (ulong)(run.Options.QueuedBytesMax / MessageBytes);
        await one.RunWithoutBlockingAsync(
            () =>
            {
                while (Dropped(one) == before && sent < SampleMessages.FirstNumber + messages)
                {
                    one.Transport.Send(SampleMessages.OneEntry(one.Id, two.Id, ++sent, MessageBytes));
                    one.Transport.Flush();
                }
            },
            $"Send to member {two.Id}, which receives nothing,").ConfigureAwait(false);
        one.Require(
            Dropped(one) > before,
            $"{run.Options.QueuedBytesMax >> 20} MiB were sent to a member that receives nothing, and no message was counted as dropped: "
            + "the queues are not bounded, or Counters does not count what is dropped");

        // Once the member receives again, whole messages arrive, ascending, and a new one arrives after them.
        var last = 0UL;
        var marker = sent + 1;
        await one.UntilAsync(
            () =>
            {
                one.Transport.Send(SampleMessages.OneEntry(one.Id, two.Id, marker++, 100));
                one.Transport.Flush();
                while (two.TryReceiveMessage(out var received))
                {
                    if (received.Message is not AppendEntries { Entries.Length: 1 } appended)
                        continue;
                    var entry = appended.Entries.Span[0];
                    one.Require(
                        entry.Proposal.Sequence > last && !entry.Payload.Span.ContainsAnyExcept((byte)entry.Proposal.Sequence),
                        $"after messages were dropped, message {entry.Proposal.Sequence} arrived after {last}, or it was not whole");
                    last = entry.Proposal.Sequence;
                }

                return last > sent;
            },
            "after messages were dropped, no new one arrived").ConfigureAwait(false);
    }

    private static async Task APeerDoesNotHoldUpAnother(Run run)
    {
        const int MessageBytes = 256 << 10;
        var members = await run.StartConnectedAsync(3).ConfigureAwait(false);
        var (sender, deaf, other) = (members[0], members[1], members[2]);
        var before = Dropped(sender);
        var sent = SampleMessages.FirstNumber;
        await sender.RunWithoutBlockingAsync(
            () =>
            {
                while (Dropped(sender) == before && sent < SampleMessages.FirstNumber + (ulong)(run.Options.QueuedBytesMax / MessageBytes))
                {
                    sender.Transport.Send(SampleMessages.OneEntry(sender.Id, deaf.Id, ++sent, MessageBytes));
                    sender.Transport.Flush();
                }
            },
            $"Send to member {deaf.Id}, which receives nothing,").ConfigureAwait(false);
        await sender.SendUntilReceivedAsync(other, SampleMessages.FirstNumber).ConfigureAwait(false);
    }

    private static async Task AnUnreachablePeerCostsMessages(Run run)
    {
        var addresses = run.Addresses(2);
        var one = run.Start(1, addresses);
        await one.RunWithoutBlockingAsync(
            () =>
            {
                for (var number = 1UL; number <= 1000; number++)
                {
                    one.Queue(new NodeId(2), number);
                    one.Transport.Flush();
                }

                one.Queue(new NodeId(99), 1); // not a peer
                one.Transport.Flush();
            },
            "Send to a peer that does not run").ConfigureAwait(false);
        var two = run.Start(2, addresses);
        await one.SendUntilReceivedAsync(two, SampleMessages.FirstNumber).ConfigureAwait(false);
    }

    private static async Task APeerThatRestartsIsReached(Run run)
    {
        var addresses = run.Addresses(2);
        var one = run.Start(1, addresses);
        for (var round = 0; round < 3; round++)
        {
            var two = run.Start(2, addresses);
            await one.SendUntilReceivedAsync(two).ConfigureAwait(false);
            await two.SendUntilReceivedAsync(one).ConfigureAwait(false);
            await two.DisposeAsync().ConfigureAwait(false);
            for (var number = 1UL; number <= 10; number++)
                one.Send(two, number);
        }
    }

    private static async Task NothingIsDeliveredAfterDispose(Run run)
    {
        var addresses = run.Addresses(2);
        var one = run.Start(1, addresses);
        var disposed = run.Start(2, addresses);
        await one.SendUntilReceivedAsync(disposed).ConfigureAwait(false);
        await disposed.SendUntilReceivedAsync(one).ConfigureAwait(false);
        one.Send(disposed, 1); // perhaps received, and not taken by the driver
        await disposed.DisposeAsync().ConfigureAwait(false);
        var signals = disposed.Signals;
        disposed.Queue(one.Id, 1);
        disposed.Transport.Flush();

        // When its successor at the same address has received messages, they would have reached the disposed one too.
        var next = run.Start(2, addresses);
        await one.SendUntilReceivedAsync(next).ConfigureAwait(false);
        one.Require(!disposed.Transport.TryReceive(out var received), $"after DisposeAsync, TryReceive returned {received}");
        one.Require(disposed.Signals == signals, "OnReady was called after DisposeAsync had completed");
        await disposed.DisposeAsync().ConfigureAwait(false); // a second call has no effect
    }

    private static async Task APeerWithAnotherDirectoryIsRejected(Run run)
    {
        var addresses = run.Addresses(3);
        var known = new DirectoryId(22);
        var offered = 0;
        var one = run.Start(1, addresses, context => context with
        {
            DirectoryId = new DirectoryId(11),
            TryRecordDirectory = (peer, directory) =>
            {
                if (peer != new NodeId(2))
                    return true;
                Interlocked.Increment(ref offered);
                return directory == known;
            },
        });
        var replaced = run.Start(2, addresses, context => context with { DirectoryId = new DirectoryId(23) });
        var three = run.Start(3, addresses, context => context with { DirectoryId = new DirectoryId(33) });
        await RequireSeparateAsync(
            one, replaced, three, () => Volatile.Read(ref offered) > 0, "TryRecordDirectory was not called for it, or returned false")
            .ConfigureAwait(false);
    }

    private static async Task ANodeOfAnotherClusterIsRejected(Run run)
    {
        var addresses = run.Addresses(3);
        var one = run.Start(1, addresses);
        var foreign = run.Start(2, addresses, context => context with { ClusterId = Cluster + 1 });
        var three = run.Start(3, addresses);
        await RequireSeparateAsync(one, foreign, three, () => true, "it belongs to another cluster").ConfigureAwait(false);
    }

    private static async Task AWronglyAddressedMessageIsABug(Run run)
    {
        var one = run.Start(1, run.Addresses(2));
        foreach (var (from, to) in new[] { (one.Id, one.Id), (new NodeId(2), one.Id), (new NodeId(7), new NodeId(2)) })
        {
            try
            {
                one.Transport.Send(new ReadIndexRequest { From = from, To = to, Term = new Term(1) });
            }
            catch (InvalidOperationException)
            {
                continue;
            }

            throw one.Failure($"member {one.Id} sent a message from {from} to {to}; Send must throw InvalidOperationException");
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <summary>
    /// Lets two members exchange messages with <paramref name="one"/>, and requires that those of <paramref name="rejected"/> do not pass
    /// in either direction while a hundred of <paramref name="accepted"/> do.
    /// </summary>
    private static async Task RequireSeparateAsync(
        TransportMember one, TransportMember rejected, TransportMember accepted, Func<bool> attempted, string why)
    {
        var arrived = 0;
        var number = 0UL;
        await one.UntilAsync(
            () =>
            {
                number++;
                rejected.Send(one, number);
                one.Send(rejected, number);
                accepted.Send(one, number);
                while (one.TryReceiveMessage(out var received))
                {
                    one.Require(received.Peer != rejected.Id, $"member {one.Id} received {received.Message}, although {why}");
                    arrived++;
                }

                if (rejected.TryReceiveMessage(out var reverse) && reverse.Peer == one.Id)
                    throw one.Failure($"member {one.Id} sent {reverse.Message} to member {rejected.Id}, although {why}");
                return arrived >= 100 && attempted();
            },
            $"member {one.Id} did not receive the messages of member {accepted.Id}").ConfigureAwait(false);
    }

    private static byte[] Bytes(MessageCodec codec, Message message)
    {
        var frame = new byte[MessageCodec.SizeOf(message)];
        codec.Encode(message, frame);
        return frame;
    }

    private static long Dropped(TransportMember member) =>
        member.Transport.Counters.Peers.Sum(static peer => peer.DroppedMessages);

    /// <summary>The members of one run of a check.</summary>
    private sealed class Run(string check, Func<TransportStartContext, ITransport> start, TransportConformanceOptions options)
        : IAsyncDisposable
    {
        private readonly List<TransportMember> _members = [];

        public TransportConformanceOptions Options => options;

        public Dictionary<NodeId, PeerAddress> Addresses(int members) =>
            Enumerable.Range(1, members).ToDictionary(static id => new NodeId((ulong)id), _ => options.NextAddress());

        public TransportMember Start(
            ulong id, Dictionary<NodeId, PeerAddress> addresses, Func<TransportStartContext, TransportStartContext>? with = null)
        {
            var self = new NodeId(id);
            var context = new TransportStartContext
            {
                NodeId = self,
                ClusterId = Cluster,
                Peers = addresses.Where(member => member.Key != self).ToDictionary(),
                ListenEndPoints = [addresses[self]],
                OnReady = static () => { },
            };
            var member = new TransportMember(check, options.Timeout, with?.Invoke(context) ?? context, start);
            _members.Add(member);
            return member;
        }

        public async Task<(TransportMember One, TransportMember Two)> StartPairAsync()
        {
            var members = await StartConnectedAsync(2).ConfigureAwait(false);
            return (members[0], members[1]);
        }

        /// <summary>Starts members, and waits until every pair of them has exchanged messages and none is on its way any more.</summary>
        public async Task<IReadOnlyList<TransportMember>> StartConnectedAsync(int count)
        {
            var addresses = Addresses(count);
            for (var id = 1UL; id <= (ulong)count; id++)
                Start(id, addresses);
            foreach (var sender in _members)
            {
                foreach (var receiver in _members.Where(other => other != sender))
                {
                    var last = await sender.SendUntilReceivedAsync(receiver).ConfigureAwait(false);
                    await DrainAsync(sender, receiver, last + 1).ConfigureAwait(false);
                }
            }

            return _members;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var member in _members)
                await member.DisposeAsync().ConfigureAwait(false);
        }

        /// <summary>Sends one more message and receives until it has arrived: nothing of this sender is on its way any more.</summary>
        private static async Task DrainAsync(TransportMember sender, TransportMember receiver, ulong number)
        {
            sender.Send(receiver, number);
            while (true)
            {
                var received = await receiver.ReceiveAsync().ConfigureAwait(false);
                if (received.Peer == sender.Id && received.Message is ReadIndexRequest { ReadId: var id } && id >= number)
                    return;
            }
        }
    }
}
