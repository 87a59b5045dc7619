using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>
/// Only a leader that has committed in its term expires leases, and never before their TTL has passed; members advance the lease clock.
/// </summary>
public sealed class LeaseReaperTests
{
    private const ulong Self = 1;

    private readonly ManualTime _time = new();
    private readonly FakeRaftNode _node;
    private readonly MemberLeaseDeadlines _deadlines;
    private readonly LeaseReaper _reaper;
    private Func<ProposalResult<KvResult>> _committing = static () => new() { Outcome = ProposalOutcome.Committed };

    public LeaseReaperTests()
    {
        _node = new FakeRaftNode
        {
            Status = new RaftStatus { Term = new Term(3), Leader = new NodeId(Self) },
            Commit = _ => _committing(),
        };
        _deadlines = new MemberLeaseDeadlines(_time);
        _reaper = new LeaseReaper(Self, _node, _deadlines, _time);
    }

    [Fact]
    public async Task A_leader_expires_an_overdue_lease_and_names_its_last_renewal()
    {
        OnGranted(id: 7, ttl: 10, at: 5);
        await RunOnceAsync();
        _time.Advance(9.9);
        await RunOnceAsync();
        Assert.Empty(Expiries());

        _time.Advance(0.2);
        await RunOnceAsync();

        Assert.Equal(new LeaseExpireRequest(7, new LogIndex(5)), Assert.Single(Expiries()));
    }

    [Fact]
    public async Task A_leader_does_not_expire_a_renewed_or_revoked_lease()
    {
        await RunOnceAsync();
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(8);
        OnApplied(6, new LeaseRenewResponse(1, new Lease(7, 10, new LogIndex(6))));
        _time.Advance(8);
        await RunOnceAsync();
        Assert.Empty(Expiries());
        Assert.Equal(2, _deadlines.Remaining(7)!.Value.TotalSeconds, 3);

        OnApplied(7, new LeaseRevokeResponse(1, 7));
        _time.Advance(100);
        await RunOnceAsync();

        Assert.Empty(Expiries());
        Assert.Null(_deadlines.Remaining(7));
    }

    [Fact]
    public async Task A_follower_expires_nothing()
    {
        _node.Status = _node.Status with { Leader = new NodeId(2) };
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(100);

        await RunOnceAsync();

        Assert.Empty(Expiries());
        Assert.Equal(TimeSpan.Zero, _deadlines.Remaining(7));
    }

    /// <summary>A new leader has applied every renewal that was acknowledged: it need not give each lease another full TTL (C11).</summary>
    [Fact]
    public async Task A_new_leader_expires_a_lease_when_its_TTL_has_passed_since_the_renewal()
    {
        _node.Status = _node.Status with { Leader = new NodeId(2) };
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(9.9);
        _node.Status = _node.Status with { Leader = new NodeId(Self), Term = new Term(4) };
        await RunOnceAsync();
        Assert.Empty(Expiries());

        _time.Advance(0.2);
        await RunOnceAsync();

        Assert.Equal(new LeaseExpireRequest(7, new LogIndex(5)), Assert.Single(Expiries()));
    }

    [Fact]
    public async Task A_leader_that_has_not_committed_in_its_term_expires_nothing()
    {
        _node.BarrierAnswer = FakeAnswer.Cancelled;
        OnGranted(id: 7, ttl: 10, at: 5);
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(100);
            await RunOnceAsync();
        }

        Assert.Empty(Expiries());
        _node.BarrierAnswer = FakeAnswer.Completed;
        await RunOnceAsync();
        Assert.Single(Expiries());
    }

    [Fact]
    public async Task A_leader_advances_the_lease_clock_by_the_time_since_it_applied_the_last_advance()
    {
        _deadlines.OnStarted(() => _node.Status.Term);
        OnGranted(id: 7, ttl: 100, at: 5);
        await RunOnceAsync();
        OnApplied(8, Accepted(at: 8));
        _time.Advance(0.7);

        await RunOnceAsync();

        Assert.Equal(new LeaseClockAdvanceRequest(new LogIndex(8), 700, 700), Assert.Single(Advances()));
    }

    /// <summary>The time that the commits take would add up.</summary>
    [Fact]
    public async Task A_leader_measures_from_its_own_last_measurement()
    {
        _deadlines.OnStarted(() => _node.Status.Term);
        OnGranted(id: 7, ttl: 100, at: 5);
        await RunOnceAsync();
        OnApplied(8, Accepted(at: 8));
        _time.Advance(0.5);
        _committing = () =>
        {
            _time.Advance(0.2);
            OnApplied(9, Accepted(at: 9));
            return new()
            {
                Outcome = ProposalOutcome.Committed,
                Entry = new EntryId(new Term(3), new LogIndex(9)),
                Result = new KvResult(Accepted(at: 9), null, 1),
            };
        };
        await RunOnceAsync();
        _time.Advance(0.3);
        await RunOnceAsync();

        Assert.Equal(new LeaseClockAdvanceRequest(new LogIndex(9), 500, 300), Advances()[^1]);
    }

    [Fact]
    public async Task Nothing_is_proposed_without_leases()
    {
        await RunOnceAsync();
        _time.Advance(100);
        await RunOnceAsync();

        Assert.Empty(_node.Proposed);
    }

    /// <summary>The new leader may have been down at the last advance; the others have measured the time since then.</summary>
    [Fact]
    public async Task A_follower_proposes_the_first_advance_of_a_term()
    {
        _deadlines.OnStarted(() => _node.Status.Term);
        _node.Status = _node.Status with { Leader = new NodeId(2) };
        OnGranted(id: 7, ttl: 100, at: 5);
        OnApplied(8, Accepted(at: 8));
        _time.Advance(3);
        await RunOnceAsync();
        Assert.Empty(Advances());

        _node.Status = _node.Status with { Term = new Term(4) };
        await RunOnceAsync();

        Assert.Equal(new LeaseClockAdvanceRequest(new LogIndex(8), 3_000, 3_000), Assert.Single(Advances()));
    }

    [Fact]
    public async Task A_leader_that_was_down_during_the_last_advance_leaves_the_next_one_to_others_at_first()
    {
        OnGranted(id: 7, ttl: 100, at: 5);
        OnApplied(8, Accepted(at: 8)); // Replayed at the start.
        _deadlines.OnStarted(() => _node.Status.Term);
        await RunOnceAsync();
        _time.Advance(0.4);
        await RunOnceAsync();
        Assert.Empty(Advances());

        _time.Advance(0.1);
        await RunOnceAsync();

        Assert.Equal(500, Assert.Single(Advances()).Milliseconds);
    }

    [Fact]
    public async Task An_expiry_that_failed_is_proposed_again_in_the_next_round()
    {
        await RunOnceAsync();
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(11);
        _node.ProposalAnswer = FakeAnswer.Busy;
        await RunOnceAsync();
        await RunOnceAsync();

        Assert.Equal(2, Expiries().Count);
    }

    private static LeaseClockAdvanceResponse Accepted(ulong at) => new(1, new LeaseClock(0, new LogIndex(at), default), true, []);

    private List<LeaseExpireRequest> Expiries() => [.. _node.Proposed.Select(KvCommandCodec.Decode).OfType<LeaseExpireRequest>()];

    private List<LeaseClockAdvanceRequest> Advances() =>
        [.. _node.Proposed.Select(KvCommandCodec.Decode).OfType<LeaseClockAdvanceRequest>()];

    private void OnGranted(long id, long ttl, ulong at) =>
        OnApplied(at, new LeaseGrantResponse(1, new Lease(id, ttl, new LogIndex(at))));

    private void OnApplied(ulong at, KvResponse response) =>
        _deadlines.OnApplied(new EntryId(_node.Status.Term, new LogIndex(at)), response);

    private Task RunOnceAsync() => _reaper.RunOnceAsync(CancellationToken.None);

    /// <summary>A clock that the test advances.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
