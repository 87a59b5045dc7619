namespace Quorate.Raft.Tests.Rules;

/// <summary>A leader whose log begins after a snapshot, and a follower that lacks entries from before (thesis §5.1).</summary>
public sealed class SnapshotNeededTests
{
    private readonly Effects _effects = new();
    private readonly RaftCore _leader;

    /// <summary>Member 1 has a snapshot up to 1/5 and entries 6 and 7 of term 2, and is elected in term 3: entry 8 is its no-op.</summary>
    public SnapshotNeededTests()
    {
        _leader = new RaftCore(Given.Options(1), new DurableState
        {
            HardState = new HardState(new Term(2), NodeId.None),
            Configuration = Given.Voters(3),
            Snapshot = Given.Id((1, 5)),
            Commit = Given.At(5),
            Tail = Given.Entries(6, 2, 2),
            Last = Given.Id((2, 7)),
        });
        while (_leader.Role == Role.Follower)
            Step(Input.Tick);
        Receive(Given.PreVoteReply(from: 2, to: 1, term: 3));
        Step(Input.Durable(_effects.Append.Token));
        Receive(Given.VoteReply(from: 2, to: 1, term: 3));
        Assert.Equal(Role.Leader, _leader.Role);
        Step(Input.EndOfIteration);
    }

    [Fact]
    public void A_log_that_begins_after_a_snapshot_knows_the_term_of_its_last_entry()
    {
        Assert.Equal(Given.At(8), _leader.LastIndex);
        Assert.Equal(Given.Id((2, 7)), AppendTo(2)!.Previous);
    }

    [Fact]
    public void A_follower_that_lacks_entries_before_the_log_is_reported_once_and_receives_heartbeats_only()
    {
        Receive(Given.Rejected(from: 2, to: 1, term: 3, index: 7, hint: (1, 3)));
        Step(Input.EndOfIteration);
        Assert.Equal(ReplicationState.Snapshot, StateOf(2));
        Assert.Single(_effects.Trace, e => e.Kind == TraceKind.FollowerNeedsSnapshot && e.Peer == Given.Node(2));
        Assert.Null(AppendTo(2));

        for (var i = 0; i < 3; i++)
        {
            Receive(Given.Rejected(from: 2, to: 1, term: 3, index: 5, hint: (1, 3)));
            Step(Input.PeerLost(Given.Node(2)));
            for (var ticks = 0; ticks < Given.ElectionTicks / 10; ticks++)
                Step(Input.Tick);
            Step(Input.EndOfIteration);
            Assert.Equal(ReplicationState.Snapshot, StateOf(2));
            Assert.Empty(_effects.Trace);
            var heartbeat = AppendTo(2)!;
            Assert.Equal((Given.Id((1, 5)), true), (heartbeat.Previous, heartbeat.Entries.IsEmpty));
        }
    }

    /// <summary>The follower has installed the snapshot: its next reply to a heartbeat shows it.</summary>
    [Fact]
    public void A_follower_that_has_reached_the_snapshot_receives_the_entries_after_it()
    {
        Receive(Given.Rejected(from: 2, to: 1, term: 3, index: 7, hint: (1, 3)));
        Step(Input.EndOfIteration);
        Receive(Given.Accepted(from: 2, to: 1, term: 3, index: 5));
        Step(Input.EndOfIteration);

        Assert.Equal(ReplicationState.Replicate, StateOf(2));
        var append = AppendTo(2)!;
        Assert.Equal((Given.Id((1, 5)), 3), (append.Previous, append.Entries.Length));
    }

    /// <summary>The snapshot's last entry is the last one that both logs can be known to share; its term is known.</summary>
    [Fact]
    public void A_follower_whose_log_ends_with_the_entry_of_the_snapshot_receives_the_entries_after_it()
    {
        Receive(Given.Rejected(from: 2, to: 1, term: 3, index: 7, hint: (1, 5)));
        Step(Input.EndOfIteration);

        Assert.Equal(ReplicationState.Probe, StateOf(2));
        var append = AppendTo(2)!;
        Assert.Equal((Given.Id((1, 5)), 3), (append.Previous, append.Entries.Length));
    }

    /// <summary>
    /// The reply to the probe would name an entry whose term the leader no longer has. So it does not wait for that reply.
    /// </summary>
    [Fact]
    public void A_follower_whose_probed_entry_was_compacted_needs_a_snapshot_while_the_probe_is_in_flight()
    {
        Assert.Equal(ReplicationState.Probe, StateOf(2));
        Step(Input.Durable(2));
        Receive(Given.Accepted(from: 3, to: 1, term: 3, index: 8));
        Step(Input.Applied(Given.At(8)));

        Step(Input.SnapshotSaved(Given.Id((3, 8)), Given.At(8)));
        Assert.Equal(Given.At(8), _leader.CompactedIndex);
        Step(Input.EndOfIteration);

        Assert.Equal(ReplicationState.Snapshot, StateOf(2));
        Assert.Single(_effects.Trace, e => e.Kind == TraceKind.FollowerNeedsSnapshot && e.Peer == Given.Node(2));
    }

    private void Receive(Message message) => Step(Input.Received(message));

    private void Step(in Input input) => _leader.Step(input, _effects);

    private ReplicationState StateOf(ulong follower) => _leader.Followers.Single(f => f.Node == Given.Node(follower)).State;

    private AppendEntries? AppendTo(ulong follower) =>
        _effects.SendNow.Messages.OfType<AppendEntries>().SingleOrDefault(m => m.To == Given.Node(follower));
}
