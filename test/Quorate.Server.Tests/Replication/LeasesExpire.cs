using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>Who ends a lease, and when: only a leader that has committed in its term, and never before a full time has passed.</summary>
public sealed class LeasesExpire
{
    private const ulong Self = 1;

    private readonly ManualTime _time = new();
    private readonly QuietReplica _replica = new() { Status = new ReplicaStatus(Term: 3, Leader: Self, 0, 0, 0) };
    private readonly LeaseClock _clock;
    private readonly LeaseExpiry _expiry;

    public LeasesExpire()
    {
        _clock = new LeaseClock(_time);
        _expiry = new LeaseExpiry(Self, _replica, _clock, _time);
    }

    [Fact]
    public async Task A_leader_ends_a_lease_whose_time_is_up_and_names_the_renewal_it_saw()
    {
        Note(id: 7, ttl: 10, at: 5);
        await LookAsync();
        _time.Advance(9.9);
        await LookAsync();
        Assert.Empty(_replica.Proposed);

        _time.Advance(0.2);
        await LookAsync();

        Assert.Equal(new LeaseExpireRequest(7, new LogIndex(5)), Assert.Single(_replica.Proposed));
    }

    [Fact]
    public async Task A_renewal_begins_the_time_anew_and_what_ended_is_not_ended_again()
    {
        await LookAsync();
        Note(id: 7, ttl: 10, at: 5);
        _time.Advance(8);
        _clock.Note(new LeaseRenewResponse(1, new Lease(7, 10, new LogIndex(6))));
        _time.Advance(8);
        await LookAsync();
        Assert.Empty(_replica.Proposed);
        Assert.Equal(2, _clock.Remaining(7)!.Value.TotalSeconds, 3);

        _clock.Note(new LeaseRevokeResponse(1, 7));
        _time.Advance(100);
        await LookAsync();

        Assert.Empty(_replica.Proposed);
        Assert.Null(_clock.Remaining(7));
    }

    [Fact]
    public async Task A_follower_ends_nothing()
    {
        _replica.Status = _replica.Status with { Leader = 2 };
        Note(id: 7, ttl: 10, at: 5);
        _time.Advance(100);

        await LookAsync();

        Assert.Empty(_replica.Proposed);
        Assert.Equal(TimeSpan.Zero, _clock.Remaining(7));
    }

    /// <summary>Renewals of the old leader's last moments may be lost; their clients must not lose their leases with them.</summary>
    [Fact]
    public async Task A_new_leader_gives_every_lease_its_full_time()
    {
        _replica.Status = _replica.Status with { Leader = 2 };
        Note(id: 7, ttl: 10, at: 5);
        _time.Advance(100);
        await LookAsync();

        _replica.Status = _replica.Status with { Leader = Self, Term = 4 };
        await LookAsync();
        _time.Advance(9.9);
        await LookAsync();
        Assert.Empty(_replica.Proposed);

        _time.Advance(0.2);
        await LookAsync();
        Assert.Single(_replica.Proposed);
    }

    [Fact]
    public async Task A_leader_that_has_not_committed_in_its_term_ends_nothing()
    {
        _replica.Barrier = ReplicaVerdict.Unknown;
        Note(id: 7, ttl: 10, at: 5);
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(100);
            await LookAsync();
        }

        Assert.Empty(_replica.Proposed);
        _replica.Barrier = ReplicaVerdict.Done;
        await LookAsync();
        _time.Advance(10);
        await LookAsync();
        Assert.Single(_replica.Proposed);
    }

    /// <summary>Deposed and elected again between two looks: the term tells.</summary>
    [Fact]
    public async Task A_leader_of_a_new_term_is_a_new_leader()
    {
        Note(id: 7, ttl: 10, at: 5);
        await LookAsync();
        _time.Advance(100);
        _replica.Status = _replica.Status with { Term = 9 };

        await LookAsync();

        Assert.Empty(_replica.Proposed);
    }

    [Fact]
    public async Task What_could_not_be_proposed_is_proposed_at_the_next_look()
    {
        await LookAsync();
        Note(id: 7, ttl: 10, at: 5);
        _time.Advance(11);
        _replica.Verdict = ReplicaVerdict.Busy;
        await LookAsync();
        await LookAsync();

        Assert.Equal(2, _replica.Proposed.Count);
    }

    private void Note(long id, long ttl, ulong at) => _clock.Note(new LeaseGrantResponse(1, new Lease(id, ttl, new LogIndex(at))));

    private Task LookAsync() => _expiry.LookAsync(CancellationToken.None);

    /// <summary>A clock that stands until it is moved.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }
}
