using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>Only a leader that has committed in its term expires leases, and never before their full TTL has passed.</summary>
public sealed class LeaseReaperTests
{
    private const ulong Self = 1;

    private readonly ManualTime _time = new();
    private readonly FakeRaftNode _node = new() { Status = new RaftStatus { Term = new Term(3), Leader = new NodeId(Self) } };
    private readonly LeaseDeadlines _deadlines;
    private readonly LeaseReaper _reaper;

    public LeaseReaperTests()
    {
        _deadlines = new LeaseDeadlines(_time);
        _reaper = new LeaseReaper(Self, _node, _deadlines, _time);
    }

    [Fact]
    public async Task A_leader_expires_an_overdue_lease_and_names_its_last_renewal()
    {
        OnGranted(id: 7, ttl: 10, at: 5);
        await RunOnceAsync();
        _time.Advance(9.9);
        await RunOnceAsync();
        Assert.Empty(_node.Proposed);

        _time.Advance(0.2);
        await RunOnceAsync();

        Assert.Equal(new LeaseExpireRequest(7, new LogIndex(5)), KvCommandCodec.Decode(Assert.Single(_node.Proposed)));
    }

    [Fact]
    public async Task A_leader_does_not_expire_a_renewed_or_revoked_lease()
    {
        await RunOnceAsync();
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(8);
        _deadlines.OnApplied(new LeaseRenewResponse(1, new Lease(7, 10, new LogIndex(6))));
        _time.Advance(8);
        await RunOnceAsync();
        Assert.Empty(_node.Proposed);
        Assert.Equal(2, _deadlines.Remaining(7)!.Value.TotalSeconds, 3);

        _deadlines.OnApplied(new LeaseRevokeResponse(1, 7));
        _time.Advance(100);
        await RunOnceAsync();

        Assert.Empty(_node.Proposed);
        Assert.Null(_deadlines.Remaining(7));
    }

    [Fact]
    public async Task A_follower_expires_nothing()
    {
        _node.Status = _node.Status with { Leader = new NodeId(2) };
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(100);

        await RunOnceAsync();

        Assert.Empty(_node.Proposed);
        Assert.Equal(TimeSpan.Zero, _deadlines.Remaining(7));
    }

    /// <summary>Renewals in the old leader's last moments may be lost; their clients must not lose their leases because of it.</summary>
    [Fact]
    public async Task A_new_leader_gives_every_lease_its_full_TTL()
    {
        _node.Status = _node.Status with { Leader = new NodeId(2) };
        OnGranted(id: 7, ttl: 10, at: 5);
        _time.Advance(100);
        await RunOnceAsync();

        _node.Status = _node.Status with { Leader = new NodeId(Self), Term = new Term(4) };
        await RunOnceAsync();
        _time.Advance(9.9);
        await RunOnceAsync();
        Assert.Empty(_node.Proposed);

        _time.Advance(0.2);
        await RunOnceAsync();
        Assert.Single(_node.Proposed);
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

        Assert.Empty(_node.Proposed);
        _node.BarrierAnswer = FakeAnswer.Completed;
        await RunOnceAsync();
        _time.Advance(10);
        await RunOnceAsync();
        Assert.Single(_node.Proposed);
    }

    /// <summary>A leader that was deposed and elected again between two rounds is detected by its term.</summary>
    [Fact]
    public async Task A_leader_reelected_in_a_new_term_extends_all_leases()
    {
        OnGranted(id: 7, ttl: 10, at: 5);
        await RunOnceAsync();
        _time.Advance(100);
        _node.Status = _node.Status with { Term = new Term(9) };

        await RunOnceAsync();

        Assert.Empty(_node.Proposed);
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

        Assert.Equal(2, _node.Proposed.Count);
    }

    private void OnGranted(long id, long ttl, ulong at) =>
        _deadlines.OnApplied(new LeaseGrantResponse(1, new Lease(id, ttl, new LogIndex(at))));

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
