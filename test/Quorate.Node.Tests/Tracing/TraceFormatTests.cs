using System.Text;
using Quorate.Node.Tracing;
using Quorate.Raft;

namespace Quorate.Node.Tests.Tracing;

/// <summary>The trace format (docs/formats/trace.md) is stable within a version, because other programs read it.</summary>
/// <remarks>QUORATE_REWRITE=1 rewrites the golden file.</remarks>
public sealed class TraceFormatTests
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);
    private readonly MemoryStream _written = new();
    private readonly Dictionary<Message, long> _ids = [];
    private long _now;

    /// <summary>An election, a committed command, a proposal, a read and a truncated entry: each kind of line at least once.</summary>
    [Fact]
    public void A_short_trace_matches_the_golden_file()
    {
        using (var trace = TraceWriter.ForCluster(_written, seed: 7, [A, B], () => _now))
            WriteTrace(trace);

        var golden = Path.Combine(SourceDirectory(), "..", "Golden", "trace-v1.ndjson");
        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllBytes(golden, _written.ToArray());
        else
            Assert.Equal(File.ReadAllText(golden), Encoding.UTF8.GetString(_written.ToArray()));
    }

    private void WriteTrace(TraceWriter trace)
    {
        // A's last entry was never committed; B holds an entry of a later term at its index.
        var a = Start(trace, A, term: 2, Entry(1, 1), Entry(1, 2));
        var b = Start(trace, B, term: 2, Entry(1, 1), Entry(2, 2));
        trace.WriteNote(NodeId.None, "partition", "halves: 1→2");

        // B is a candidate until it is elected: it first requests pre-votes, and its own vote waits for its disk.
        var toB = new List<Message>();
        var toA = TickUntilPreVote(b);
        for (var round = 0; round < 8; round++)
        {
            toB.AddRange(Deliver(a, toA));
            toA = Deliver(b, toB);
            toB.Clear();
        }

        b.Step(Input.Read(1));
        b.Step(Input.Propose(new Proposal[] { new(new ProposalId(B, 9), new byte[8]) }));
        a.Step(Input.Propose(new Proposal[] { new(new ProposalId(A, 5), new byte[1 << 20]) }));
        a.Step(Input.EndOfIteration);
        a.Step(Input.Withdraw(5));
        toA = b.Step(Input.EndOfIteration);
        b.Step(Input.EndOfIteration);
        a.Step(Input.PeerLost(B));

        // B's disk is full, so it hands its leadership over: A campaigns as B has asked it to. Snapshots, as the driver reports them.
        b.Step(Input.SnapshotSaved(new EntryId(new Term(3), new LogIndex(3)), new LogIndex(2)));
        b.Step(Input.StorageHealth(StorageHealth.Full));
        b.Step(Input.TransferLeadership(A));
        toB = [.. Deliver(a, toA), .. a.Flush()];
        toA = Deliver(b, toB);
        toB = [.. Deliver(a, toA), .. a.Flush()];
        Deliver(b, toB);
        a.Step(Input.SnapshotReceived(new EntryId(new Term(9), new LogIndex(99))));
        trace.WriteEnd(A, "killed");
    }

    private static List<Message> TickUntilPreVote(TracedCore driver)
    {
        for (var tick = 0; tick < 1000; tick++)
        {
            if (driver.Step(Input.Tick) is { Count: > 0 } messages)
                return messages;
        }

        throw new InvalidOperationException("no pre-vote was requested within 1000 ticks");
    }

    private static List<Message> Deliver(TracedCore to, List<Message> messages)
    {
        var replies = new List<Message>();
        foreach (var message in messages)
            replies.AddRange(to.Step(Input.Received(message)));
        replies.AddRange(to.Flush());
        replies.AddRange(to.Apply());
        replies.AddRange(to.Step(Input.EndOfIteration));
        return replies;
    }

    private TracedCore Start(TraceWriter trace, NodeId self, ulong term, params LogEntry[] tail)
    {
        var core = new RaftCore(
            new RaftOptions { Self = self, Seed = self.Value },
            new DurableState
            {
                Configuration = new Configuration([A, B]), HardState = new HardState(new Term(term), NodeId.None), Tail = tail,
                Last = tail[^1].Id
            });
        trace.WriteStart(core);
        return new TracedCore(core, trace, _ids, () => _now += 10);
    }

    private static LogEntry Entry(ulong term, ulong index) => LogEntry.NoOp(new Term(term), new LogIndex(index));

    private static string SourceDirectory([System.Runtime.CompilerServices.CallerFilePath] string path = "") =>
        Path.GetDirectoryName(path)!;

    /// <summary>A core and its trace. Each step gets its own effects, so that messages can be delivered later.</summary>
    private sealed class TracedCore(RaftCore core, TraceWriter trace, Dictionary<Message, long> ids, Action advanceClock)
    {
        private readonly List<(ulong Token, IReadOnlyList<Message> Messages)> _held = [];
        private ulong _token;
        private LogIndex _applying;

        public List<Message> Step(in Input input)
        {
            var effects = new Effects();
            core.Step(input, effects);
            advanceClock();
            if (input.Message is { } message)
                trace.SetReceivedMessageId(core.Self, ids[message]);
            trace.WriteStep(core, input, effects);
            _token = effects.Append.IsEmpty ? _token : effects.Append.Token;
            _applying = effects.Apply.IsEmpty ? _applying : effects.Apply.Span[^1].Index;
            if (effects.SendWhenDurable.Messages.Count > 0)
                _held.Add((effects.SendWhenDurable.Token, effects.SendWhenDurable.Messages));
            return AssignIds(effects.SendNow.Messages);
        }

        public List<Message> Flush()
        {
            if (_token == 0)
                return [];
            var sent = Step(Input.Durable(_token));
            foreach (var (_, messages) in _held)
                sent.AddRange(AssignIds(messages));
            _held.Clear();
            _token = 0;
            return sent;
        }

        public List<Message> Apply() => _applying > core.AppliedIndex ? Step(Input.Applied(_applying)) : [];

        private List<Message> AssignIds(IReadOnlyList<Message> messages)
        {
            foreach (var message in messages)
                ids[message] = trace.DequeueMessageId(core.Self);
            return [.. messages];
        }
    }
}
