namespace Quorate.Raft.Tests.Rules;

/// <summary>Compaction of the log behind a durable snapshot, and the installation of another member's snapshot (thesis §5).</summary>
public sealed class SnapshotTests
{
    private readonly Effects _effects = new();

    [Fact]
    public void Entries_that_a_durable_snapshot_covers_leave_the_log_and_the_last_one_keeps_its_term()
    {
        var core = Follower(entries: 9, applied: 8);

        Step(core, Input.SnapshotSaved(Given.Id((1, 8)), Given.At(6)));

        Assert.Equal(Given.At(6), _effects.CompactTo);
        Assert.Equal((Given.At(8), Given.At(6)), (core.SnapshotIndex, core.CompactedIndex));
        Assert.Equal((new Term(1), null), (core.TermAt(Given.At(6)), core.TermAt(Given.At(5))));
        Assert.True(_effects.Append.IsEmpty);
    }

    [Fact]
    public void A_snapshot_that_an_installed_one_has_overtaken_changes_nothing()
    {
        var core = Follower(entries: 9, applied: 8);
        Step(core, Input.SnapshotSaved(Given.Id((1, 8)), Given.At(6)));

        Step(core, Input.SnapshotSaved(Given.Id((1, 7)), Given.At(7)));

        Assert.Equal((LogIndex.Zero, Given.At(8)), (_effects.CompactTo, core.SnapshotIndex));
    }

    /// <summary>Its entries leave memory with the log: a view of them would be of other entries.</summary>
    [Fact]
    public void Compacted_entries_are_not_cached()
    {
        var core = Follower(entries: 9, applied: 8);

        Step(core, Input.SnapshotSaved(Given.Id((1, 8)), Given.At(8)));

        Assert.Equal(Given.At(9), core.CachedFirst);
    }

    [Fact]
    public void A_heartbeat_that_reports_compacted_entries_makes_a_follower_that_lacks_them_fetch_a_snapshot()
    {
        var core = Follower(entries: 3, applied: 3);

        Step(core, Input.Received(Heartbeat(term: 2, previous: (2, 20))));

        Assert.Equal(new NeededSnapshot(Given.Node(2), Given.Id((2, 20))), _effects.NeededSnapshot);
        Assert.False(Reply().Accepted);
    }

    [Fact]
    public void An_ordinary_heartbeat_that_does_not_match_needs_no_snapshot()
    {
        var core = Follower(entries: 3, applied: 3);
        var heartbeat = Heartbeat(term: 2, previous: (2, 20));
        heartbeat.NeedsSnapshot = false;

        Step(core, Input.Received(heartbeat));

        Assert.Null(_effects.NeededSnapshot);
    }

    /// <summary>The leader continues behind what is committed here, and does not send again what its log still holds of it.</summary>
    [Fact]
    public void A_follower_whose_commit_index_covers_the_compacted_entries_names_it()
    {
        var core = Follower(entries: 9, applied: 8);

        Step(core, Input.Received(Heartbeat(term: 2, previous: (1, 4))));

        Assert.Equal((true, Given.At(8)), (Reply().Accepted, Reply().Index));
        Assert.Null(_effects.NeededSnapshot);
    }

    [Fact]
    public void A_received_snapshot_replaces_a_log_that_lacks_its_last_entry()
    {
        var core = Follower(entries: 9, applied: 4, commit: 4);

        Step(core, Input.SnapshotReceived(Given.Id((2, 20))));

        Assert.Equal(Given.Id((2, 20)), _effects.RestoreSnapshot);
        Assert.Equal(Given.Id((2, 20)), _effects.Append.ResetTo);
        Assert.Equal(new HardState(new Term(2), NodeId.None), _effects.Append.HardState);
        Assert.Equal((Given.At(20), Given.At(20), Given.At(20)), (core.LastIndex, core.CommitIndex, core.CompactedIndex));
        Assert.Equal(Given.At(20), core.DurableIndex);
        Step(core, Input.Durable(_effects.Append.Token));
        Step(core, Input.Applied(Given.At(20)));
        Assert.True(core.IsSettled);
    }

    /// <summary>Entries 5 to 9 conflict with the snapshot, although it ends before them.</summary>
    [Fact]
    public void A_received_snapshot_drops_a_conflicting_tail_behind_it()
    {
        var core = Follower(entries: 9, applied: 4, commit: 4);

        Step(core, Input.SnapshotReceived(Given.Id((2, 6))));

        Assert.Equal((Given.At(6), Given.Id((2, 6))), (core.LastIndex, _effects.RestoreSnapshot));
    }

    [Theory]
    [InlineData(1, 4)] // committed here already
    [InlineData(1, 7)] // in the log: the leader's next message commits it
    public void A_received_snapshot_of_what_the_log_has_changes_nothing(ulong term, ulong index)
    {
        var core = Follower(entries: 9, applied: 4, commit: 4);

        Step(core, Input.SnapshotReceived(Given.Id((term, index))));

        Assert.Null(_effects.RestoreSnapshot);
        Assert.True(_effects.Append.IsEmpty);
        Assert.Equal((Given.At(9), Given.At(4)), (core.LastIndex, core.CommitIndex));
    }

    /// <summary>A durable acknowledgement would be of entries that no longer are what was flushed.</summary>
    [Fact]
    public void A_flush_of_replaced_entries_makes_nothing_durable_behind_the_snapshot()
    {
        var core = Follower(entries: 3, applied: 3);
        Step(core, Input.Received(Given.Append(from: 2, to: 1, term: 2, previous: (1, 3), entries: Terms(27, 2), commit: 3)));
        var token = _effects.Append.Token;
        Step(core, Input.SnapshotReceived(Given.Id((3, 20))));
        var reset = _effects.Append.Token;
        Step(core, Input.Received(Given.Append(from: 2, to: 1, term: 3, previous: (3, 20), entries: Terms(2, 3), commit: 20)));

        Step(core, Input.Durable(token));
        Assert.Equal(Given.At(20), core.DurableIndex);
        Step(core, Input.Durable(reset));
        Assert.Equal(Given.At(20), core.DurableIndex);
    }

    /// <summary>The entries of its own clients may be among those that the snapshot replaced: their results are lost.</summary>
    [Fact]
    public void Proposals_that_an_installed_snapshot_may_contain_are_indeterminate()
    {
        var core = Follower(entries: 3, applied: 3);
        Step(core, Input.Received(Heartbeat(term: 2, previous: (1, 3))));
        Step(core, Input.Durable(_effects.Append.Token));
        Step(core, Input.Propose(new[] { Given.Proposal(1, 101), Given.Proposal(1, 102) }));

        Step(core, Input.SnapshotReceived(Given.Id((2, 20))));

        Assert.Equal([101ul, 102ul], _effects.Indeterminate.Select(static p => p.Sequence));
        Assert.Empty(_effects.Rejections);
        Assert.Equal(0, core.PendingProposalCount);
    }

    /// <summary>Entries that were loaded for the state machine before the snapshot was installed must not reach it afterwards.</summary>
    [Fact]
    public void Entries_that_arrive_from_the_disk_after_the_snapshot_are_not_applied()
    {
        var core = new RaftCore(
            Given.Options(1) with { MaxCachedBytes = 0, MaxUncommittedBytes = 1, MaxCommandBytes = 1 },
            State(entries: 9, commit: 2) with { Tail = Given.Entries(3, Terms(7, 1)), TermStarts = [Given.Id((1, 1))] });
        Step(core, Input.Received(Given.Append(from: 2, to: 1, term: 2, previous: (1, 9), entries: default, commit: 9)));
        Step(core, Input.Applied(Given.At(3)));
        Assert.Equal(Given.At(4), _effects.EntriesRequests.Single().From);
        Step(core, Input.SnapshotReceived(Given.Id((2, 20))));

        Step(core, Input.EntriesLoaded(Given.Node(1), Given.Entries(4, 1, 1)));

        Assert.True(_effects.Apply.IsEmpty);
        Assert.Equal(Given.At(20), core.ApplyingIndex);
    }

    /// <summary>
    /// The follower continues behind the snapshot that it receives. Without those entries it would need the next one, and a follower that
    /// receives more slowly than snapshots are taken would never catch up.
    /// </summary>
    [Fact]
    public void A_leader_keeps_its_log_while_a_follower_receives_a_snapshot()
    {
        var core = LeaderWithReceivingFollower();

        Step(core, Input.SnapshotSaved(Given.Id((1, 9)), Given.At(9)));
        Assert.Equal((Given.At(9), Given.At(4)), (core.SnapshotIndex, core.CompactedIndex));
    }

    /// <summary>A member that is down for days must not fill the disk of the leader.</summary>
    [Fact]
    public void A_leader_does_not_keep_its_log_for_a_follower_that_no_longer_replies()
    {
        var core = LeaderWithReceivingFollower();
        for (var ticks = 0; ticks <= RaftCore.ReceivingFollowerTimeouts * Given.ElectionTicks; ticks++)
        {
            Step(core, Input.Received(Given.Accepted(from: 3, to: 1, term: 2, index: 10)));
            Step(core, Input.Tick);
        }

        Step(core, Input.SnapshotSaved(Given.Id((1, 9)), Given.At(9)));

        Assert.Equal(Given.At(9), core.CompactedIndex);
    }

    /// <summary>A follower whose disk is full replies to heartbeats and never has the whole snapshot.</summary>
    [Fact]
    public void A_leader_keeps_its_log_for_a_bounded_number_of_snapshots()
    {
        var core = LeaderWithReceivingFollower();
        Step(core, Input.Received(Given.Accepted(from: 3, to: 1, term: 2, index: 10)));
        for (var snapshot = 1; snapshot <= RaftCore.SkippedCompactionsMax + 1; snapshot++)
        {
            Assert.Equal(Given.At(4), core.CompactedIndex);
            Step(core, Input.Propose(new[] { Given.Proposal(1, (ulong)(1000 + snapshot)) }));
            Step(core, Input.Durable(_effects.Append.Token));
            Step(core, Input.Received(Given.Accepted(from: 3, to: 1, term: 2, core.LastIndex.Value)));
            Step(core, Input.Applied(core.ApplyingIndex));
            Step(core, Input.SnapshotSaved(new EntryId(core.Term, core.AppliedIndex), core.AppliedIndex));
        }

        Assert.Equal(core.AppliedIndex, core.CompactedIndex);
    }

    /// <summary>The term of the entry before them is not known any more.</summary>
    [Fact]
    public void Entries_that_were_compacted_while_they_were_loaded_are_not_sent()
    {
        var core = Leader(maxCachedBytes: 0);
        Step(core, Input.Received(Given.Rejected(from: 2, to: 1, term: 2, index: 9, hint: (1, 5))));
        Step(core, Input.EndOfIteration);
        Assert.Equal(Given.At(6), _effects.EntriesRequests.Single().From);
        Step(core, Input.SnapshotSaved(Given.Id((1, 9)), Given.At(8)));

        Step(core, Input.EntriesLoaded(Given.Node(2), Given.Entries(6, 1, 1)));

        Assert.Empty(_effects.SendNow.Messages);
    }

    private RaftCore LeaderWithReceivingFollower()
    {
        var core = Leader();
        Step(core, Input.Received(Given.Rejected(from: 2, to: 1, term: 2, index: 9, hint: (1, 2))));
        Step(core, Input.EndOfIteration);
        Assert.Contains(core.Followers, f => f.Node == Given.Node(2) && f.State == ReplicationState.Snapshot);
        return core;
    }

    /// <summary>
    /// The leader of term 2. Its snapshot covers entry 5, its log begins with entry 5 and ends with its no-op, entry 10.
    /// </summary>
    private RaftCore Leader(long maxCachedBytes = 1 << 20)
    {
        var core = new RaftCore(
            Given.Options(1) with { MaxCachedBytes = maxCachedBytes },
            State(entries: 9, commit: 9) with
            {
                Snapshot = Given.Id((1, 5)),
                Compacted = Given.Id((1, 4)),
                Tail = Given.Entries(5, Terms(5, 1)),
            });
        while (core.Role == Role.Follower)
            Step(core, Input.Tick);
        Step(core, Input.Received(Given.PreVoteReply(from: 2, to: 1, term: 2)));
        Step(core, Input.Durable(_effects.Append.Token));
        Step(core, Input.Received(Given.VoteReply(from: 2, to: 1, term: 2)));
        Step(core, Input.Durable(_effects.Append.Token));
        Step(core, Input.EndOfIteration);
        return core;
    }

    private static DurableState State(int entries, int commit) => new()
    {
        HardState = new HardState(new Term(1), NodeId.None),
        Configuration = Given.Voters(3),
        Commit = Given.At((ulong)commit),
        Tail = Given.Entries(1, Terms(entries, 1)),
        Last = Given.Id((1, (ulong)entries)),
    };

    private static ulong[] Terms(int count, ulong term) => [.. Enumerable.Repeat(term, count)];

    private static RaftCore Follower(int entries, int applied, int commit = 0) =>
        new(Given.Options(1), State(entries, Math.Max(applied, commit)));

    private static AppendEntries Heartbeat(ulong term, (ulong Term, ulong Index) previous)
    {
        var heartbeat = Given.Append(from: 2, to: 1, term, previous, entries: default, commit: previous.Index);
        heartbeat.NeedsSnapshot = true;
        return heartbeat;
    }

    private AppendEntriesReply Reply() =>
        _effects.SendNow.Messages.Concat(_effects.SendWhenDurable.Messages).OfType<AppendEntriesReply>().Single();

    private void Step(RaftCore core, in Input input) => core.Step(input, _effects);
}
