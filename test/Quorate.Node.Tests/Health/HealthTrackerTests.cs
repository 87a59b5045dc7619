using Quorate.Node.Divergence;
using Quorate.Node.Health;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Health;

/// <summary>What the tracker measures over time, on a leader of three members whose replies the tests write.</summary>
public sealed class HealthTrackerTests
{
    private static readonly NodeId Self = new(1);

    [Fact]
    public void The_lag_is_the_age_of_the_oldest_entry_that_a_member_lacks()
    {
        var leader = new TrackedLeader();
        leader.AcknowledgeAll(2, 3);
        Assert.Equal(TimeSpan.Zero, leader.Member(2).Lag);

        leader.Propose();
        leader.Run(milliseconds: 2_000);
        leader.Propose();
        leader.AcknowledgeAll(2);

        Assert.Equal((0, TimeSpan.Zero), (leader.Member(2).LagEntries, leader.Member(2).Lag));
        Assert.Equal(2, leader.Member(3).LagEntries);
        Assert.InRange(leader.Member(3).Lag!.Value.TotalMilliseconds, 1_900, 2_100);
    }

    [Fact]
    public void The_commit_index_counts_as_stalled_only_while_entries_wait()
    {
        var leader = new TrackedLeader();
        leader.AcknowledgeAll(2, 3);
        leader.Run(milliseconds: 5_000);
        Assert.Equal(0, leader.Observe().UncommittedEntries);

        leader.Propose();
        leader.Run(milliseconds: 700);

        Assert.Equal(1, leader.Observe().UncommittedEntries);
        Assert.InRange(leader.Observe().CommitStalledFor.TotalMilliseconds, 600, 800);
        leader.AcknowledgeAll(2);
        leader.Propose();
        Assert.InRange(leader.Observe().CommitStalledFor.TotalMilliseconds, 0, 100);
    }

    [Fact]
    public void A_member_that_acknowledges_late_is_slow_and_one_late_acknowledgement_is_not_enough()
    {
        var leader = new TrackedLeader();
        leader.AcknowledgeAll(2, 3);
        leader.Propose();
        leader.Run(milliseconds: 300);
        leader.AcknowledgeAll(2, 3);
        Assert.InRange(leader.Member(2).AcknowledgementTime!.Value.TotalMilliseconds, 1, 60);

        for (var i = 0; i < 20; i++)
        {
            leader.Propose();
            leader.Run(milliseconds: 300);
            leader.AcknowledgeAll(2, 3);
        }

        Assert.InRange(leader.Member(2).AcknowledgementTime!.Value.TotalMilliseconds, 250, 320);
    }

    [Fact]
    public void An_entry_that_is_not_acknowledged_counts_for_as_long_as_it_waits()
    {
        var leader = new TrackedLeader();
        leader.AcknowledgeAll(2, 3);
        leader.Propose();
        leader.Run(milliseconds: 900);

        Assert.InRange(leader.Member(2).AcknowledgementTime!.Value.TotalMilliseconds, 800, 910);
    }

    [Fact]
    public void What_a_follower_reports_of_its_disk_and_its_repair_is_observed()
    {
        var leader = new TrackedLeader();
        leader.Reply(2, static reply => (reply.CannotWrite, reply.IsShortOfSpace) = (true, true));
        leader.Reply(3, static reply => (reply.CannotWrite, reply.IsRepairing) = (true, true));
        leader.Run(milliseconds: 100);
        Assert.Equal((StorageHealth.Full, StorageHealth.Stalled), (leader.Member(2).Storage, leader.Member(3).Storage));
        Assert.Equal((false, true), (leader.Member(2).IsRepairing, leader.Member(3).IsRepairing));

        leader.Reply(2, static reply => reply.IsShortOfSpace = true);
        leader.Reply(3, static _ => { });
        leader.Run(milliseconds: 100);

        Assert.Equal((StorageHealth.LowSpace, StorageHealth.Healthy), (leader.Member(2).Storage, leader.Member(3).Storage));
        Assert.False(leader.Member(3).IsRepairing);
    }

    [Fact]
    public void A_member_is_disconnected_only_if_it_was_connected()
    {
        var leader = new TrackedLeader();

        Assert.False(leader.Member(2, new PeerCounters { Peer = new NodeId(2) }).IsDisconnected);
        Assert.False(leader.Member(2, new PeerCounters { Peer = new NodeId(2), Connects = 1, Connected = true }).IsDisconnected);
        Assert.True(leader.Member(2, new PeerCounters { Peer = new NodeId(2), Connects = 1 }).IsDisconnected);
    }

    [Fact]
    public void The_age_shows_that_the_loop_does_not_run()
    {
        var leader = new TrackedLeader();
        leader.Run(milliseconds: 100);

        leader.Clock.Milliseconds += 5_000;

        Assert.InRange(leader.Observe().Age.TotalMilliseconds, 5_000, 5_100);
    }

    [Fact]
    public void Slow_flushes_are_the_acknowledgement_time_of_the_node_itself()
    {
        var leader = new TrackedLeader();
        Assert.Null(leader.Member(1).AcknowledgementTime);
        for (var i = 0; i < 30; i++)
            leader.Tracker.OnFlushed(TimeSpan.FromMilliseconds(200));
        Assert.InRange(leader.Member(1).AcknowledgementTime!.Value.TotalMilliseconds, 190, 200);

        leader.Clock.Milliseconds += 10_001;

        Assert.Null(leader.Member(1).AcknowledgementTime);
    }

    private sealed class TrackedLeader
    {
        private readonly Effects _effects = new();
        private readonly RaftCore _core;
        private ulong _sequence;

        public TrackedLeader()
        {
            _core = new RaftCore(
                new RaftOptions { Self = Self, Seed = 1 },
                new DurableState { Configuration = new Configuration([new(1), new(2), new(3)]) });
            Tracker = new HealthTracker(new RaftNodeOptions
            {
                NodeId = Self, ClusterId = 1, DataDirectory = "unused", Members = new Dictionary<NodeId, PeerAddress>(),
                TimeProvider = Clock,
            });
            Tracker.Start(_core);
            while (_core.Role != Role.PreCandidate)
                Step(Input.Tick);
            Step(Input.Received(new RequestVoteReply
            {
                From = new NodeId(2), To = Self, Term = _core.Term.Next, PreVote = true, Granted = true,
            }));
            Step(Input.Received(new RequestVoteReply { From = new NodeId(2), To = Self, Term = _core.Term, Granted = true }));
            Assert.Equal(Role.Leader, _core.Role);
        }

        public StoppedClock Clock { get; } = new();

        public HealthTracker Tracker { get; }

        public HealthObservation Observe(params PeerCounters[] peers) =>
            Tracker.Observe(new TransportCounters { Peers = peers }, new DivergenceStatus(false, [], false));

        public MemberObservation Member(ulong id, params PeerCounters[] peers) =>
            Observe(peers).Members.Single(member => member.Node == new NodeId(id));

        public void Propose()
        {
            Step(Input.Propose(new[] { new Proposal(new ProposalId(Self, ++_sequence), "x"u8.ToArray()) }));
            Step(Input.EndOfIteration);
        }

        /// <summary>Lets time pass; the followers reply to heartbeats and acknowledge nothing.</summary>
        public void Run(int milliseconds)
        {
            for (var passed = 0; passed < milliseconds; passed += 10)
            {
                Clock.Milliseconds += 10;
                Step(Input.Tick);
                Step(Input.EndOfIteration);
                if (_core.Role == Role.Leader && passed % 100 == 0)
                {
                    foreach (var follower in _core.Followers.ToArray())
                        Reply(follower.Node.Value, static _ => { }, keepsFlags: true);
                }
            }
        }

        /// <summary>These followers acknowledge the whole log, and the tracker publishes a sample.</summary>
        public void AcknowledgeAll(params ulong[] followers)
        {
            foreach (var follower in followers)
                Reply(follower, reply => reply.Index = _core.LastIndex);
            Run(milliseconds: 100);
        }

        /// <summary>A follower accepts what it had accepted before.</summary>
        public void Reply(ulong follower, Action<AppendEntriesReply> change, bool keepsFlags = false)
        {
            var known = _core.Followers.Single(f => f.Node == new NodeId(follower));
            var reply = new AppendEntriesReply
            {
                From = new NodeId(follower), To = Self, Term = _core.Term, Accepted = true, Index = known.Match,
                CannotWrite = keepsFlags && known.CannotWrite, IsShortOfSpace = keepsFlags && known.IsShortOfSpace,
                IsRepairing = keepsFlags && known.IsRepairing,
            };
            change(reply);
            Step(Input.Received(reply));
        }

        private void Step(Input input)
        {
            _core.Step(input, _effects);
            Tracker.OnStep(_core, input);
            if (!_effects.Append.IsEmpty)
                Step(Input.Durable(_effects.Append.Token));
            else if (_core.CommitIndex > _core.AppliedIndex)
                Step(Input.Applied(_core.CommitIndex));
        }
    }

    private sealed class StoppedClock : TimeProvider
    {
        public long Milliseconds { get; set; } = 1;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
