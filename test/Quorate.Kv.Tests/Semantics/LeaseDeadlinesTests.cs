using Quorate.Raft;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>When leases end by the clock of one member: one rule each. <c>LeaseDeadlinesModelTests</c> has whole clusters.</summary>
public sealed class LeaseDeadlinesTests
{
    private const long Id = 7;
    private const long TtlSeconds = 10;
    private static readonly Term _term = new(1);

    private readonly LeaseDeadlines _deadlines = new(Seconds(0));
    private ulong _index;

    [Fact]
    public void A_lease_ends_after_its_time_to_live_and_not_before()
    {
        Grant(at: 3);

        Assert.Equal((1, Seconds(8)), (_deadlines.Count, _deadlines.Remaining(Id, Seconds(5))));
        Assert.Equal(TimeSpan.Zero, _deadlines.Remaining(Id, Seconds(13)));
        Assert.Equal(TimeSpan.Zero, _deadlines.Remaining(Id, Seconds(20)));
        Assert.Null(_deadlines.Remaining(Id + 1, Seconds(5)));
        Assert.Empty(_deadlines.GetExpired(Seconds(13) - TimeSpan.FromTicks(1), 10));
        Assert.Equal(Id, Assert.Single(_deadlines.GetExpired(Seconds(13), 10)).Id);
    }

    [Fact]
    public void An_expired_lease_is_returned_until_its_end_is_applied()
    {
        Grant(at: 0);

        Assert.Single(_deadlines.GetExpired(Seconds(11), 10));
        Assert.Single(_deadlines.GetExpired(Seconds(12), 10));
        Apply(new LeaseExpireResponse(1, Id, Expired: true), at: 12);
        Assert.Empty(_deadlines.GetExpired(Seconds(13), 10));
        Assert.Equal(0, _deadlines.Count);
    }

    /// <summary>The item of the old deadline is still in the queue when the new, earlier one has passed.</summary>
    [Fact]
    public void A_lease_whose_deadline_was_lowered_is_returned_once()
    {
        Grant(at: 0);
        Advance(at: 1, clockMilliseconds: 6_000, Anchored(anchor: 0));

        Assert.Equal(Seconds(4), _deadlines.Remaining(Id, Seconds(1)));
        Assert.Single(_deadlines.GetExpired(Seconds(30), 10));
    }

    /// <summary>This member has waited for as long as the lease clock: a lower bound of the age that is smaller says nothing new.</summary>
    [Fact]
    public void The_lease_clock_never_raises_a_deadline()
    {
        Grant(at: 0);
        Advance(at: 4, clockMilliseconds: 1_000, Anchored(anchor: 0));

        Assert.Equal(Seconds(6), _deadlines.Remaining(Id, Seconds(4)));
    }

    [Fact]
    public void An_advance_that_anchors_a_lease_unknown_here_has_no_effect_on_it()
    {
        Grant(at: 0);
        Apply(new LeaseRevokeResponse(2, Id), at: 1);
        Advance(at: 2, clockMilliseconds: 9_000, Anchored(anchor: 0));

        Assert.Equal(0, _deadlines.Count);
        Assert.Null(_deadlines.Remaining(Id, Seconds(2)));
    }

    [Fact]
    public void No_advance_is_proposed_without_leases_or_within_a_round_of_the_last_one()
    {
        Assert.Null(_deadlines.Measure(Seconds(5), _term, leadingSince: Seconds(0)));
        Grant(at: 5);
        Assert.NotNull(_deadlines.Measure(Seconds(5), _term, leadingSince: Seconds(0)));

        Advance(at: 6, clockMilliseconds: 1_000);
        Assert.Null(_deadlines.Measure(Seconds(6.2), _term, leadingSince: Seconds(0)));
        Assert.NotNull(_deadlines.Measure(Seconds(6.5), _term, leadingSince: Seconds(0)));
    }

    /// <summary>The new leader may have been down while the last advance was committed.</summary>
    [Fact]
    public void A_follower_proposes_only_the_first_advance_of_a_term()
    {
        Grant(at: 0);
        Advance(at: 1, clockMilliseconds: 1_000);

        Assert.Null(_deadlines.Measure(Seconds(2), _term, leadingSince: null));
        Assert.NotNull(_deadlines.Measure(Seconds(2), new Term(2), leadingSince: null));
    }

    [Fact]
    public void The_next_measurement_begins_where_the_accepted_one_of_this_member_ended()
    {
        Grant(at: 0);
        Advance(at: 2, clockMilliseconds: 1_500);

        _deadlines.OnOwnAdvanceAccepted(new LogIndex(_index + 1), Seconds(1));
        Assert.Equal(1_000, _deadlines.Measure(Seconds(3), _term, leadingSince: Seconds(0))!.Value.Request.Milliseconds);
        _deadlines.OnOwnAdvanceAccepted(new LogIndex(_index), Seconds(1.5));
        Assert.Equal(1_500, _deadlines.Measure(Seconds(3), _term, leadingSince: Seconds(0))!.Value.Request.Milliseconds);
    }

    /// <summary>A member that starts from a snapshot knows no more than that the renewal was committed before.</summary>
    [Fact]
    public void A_restored_lease_without_an_anchor_has_its_whole_time_to_live()
    {
        Restore(at: 100, clockMilliseconds: 50_000, new Lease(Id, TtlSeconds, new LogIndex(9)));

        Assert.Equal(Seconds(10), _deadlines.Remaining(Id, Seconds(100)));
        Assert.Equal(Id, Assert.Single(_deadlines.GetExpired(Seconds(110), 10)).Id);
    }

    [Fact]
    public void A_restored_lease_with_an_anchor_has_its_age_by_the_lease_clock()
    {
        Restore(at: 100, clockMilliseconds: 50_000, Anchored(anchor: 43_000));

        Assert.Equal(Seconds(3), _deadlines.Remaining(Id, Seconds(100)));
        Assert.Empty(_deadlines.GetExpired(Seconds(103) - TimeSpan.FromTicks(1), 10));
        Assert.Equal(Id, Assert.Single(_deadlines.GetExpired(Seconds(103), 10)).Id);
    }

    [Fact]
    public void A_restored_lease_that_was_not_renewed_since_keeps_its_deadline()
    {
        Grant(at: 3);

        Restore(at: 8, clockMilliseconds: 1_000, new Lease(Id, TtlSeconds, new LogIndex(1)), new Lease(Id + 1, 20, new LogIndex(5)));

        Assert.Equal((Seconds(5), Seconds(20)), (_deadlines.Remaining(Id, Seconds(8)), _deadlines.Remaining(Id + 1, Seconds(8))));
        Assert.Equal(Id, Assert.Single(_deadlines.GetExpired(Seconds(13), 10)).Id);
    }

    [Fact]
    public void A_restored_lease_that_was_renewed_since_has_a_later_deadline()
    {
        Grant(at: 3);

        Restore(at: 8, clockMilliseconds: 1_000, new Lease(Id, TtlSeconds, new LogIndex(5)));

        Assert.Empty(_deadlines.GetExpired(Seconds(17.9), 10));
        Assert.Single(_deadlines.GetExpired(Seconds(18), 10));
    }

    [Fact]
    public void A_lease_that_is_not_in_the_snapshot_is_unknown_after_it()
    {
        Grant(at: 0);

        Restore(at: 1, clockMilliseconds: 1_000);

        Assert.Equal(0, _deadlines.Count);
        Assert.Empty(_deadlines.GetExpired(Seconds(100), 10));
    }

    /// <summary>It was not there when the last advance was committed: another member has measured the time since.</summary>
    [Fact]
    public void A_leader_that_jumped_over_the_last_advance_leaves_the_next_one_to_others_at_first()
    {
        Grant(at: 0);
        Advance(at: 1, clockMilliseconds: 1_000);

        Restore(at: 10, clockMilliseconds: 5_000, new Lease(Id, TtlSeconds, new LogIndex(9)));

        Assert.Null(_deadlines.Measure(Seconds(10.4), new Term(2), leadingSince: Seconds(10)));
        Assert.Null(_deadlines.Measure(Seconds(19), new Term(2), leadingSince: null));
        var measured = _deadlines.Measure(Seconds(10.5), new Term(2), leadingSince: Seconds(10));
        Assert.Equal(new LeaseClockAdvanceRequest(new LogIndex(20), 500, 500), measured!.Value.Request);
    }

    [Fact]
    public void A_snapshot_without_a_later_advance_does_not_interrupt_the_measurement()
    {
        Grant(at: 0);
        Advance(at: 1, clockMilliseconds: 1_000);

        _deadlines.OnRestored(
            new LeaseClock(1_000, new LogIndex(2), LogIndex.Zero), [new Lease(Id, TtlSeconds, new LogIndex(9))], Seconds(10));

        var measured = _deadlines.Measure(Seconds(10.1), _term, leadingSince: Seconds(0));
        Assert.Equal(new LeaseClockAdvanceRequest(new LogIndex(2), 9_100, 9_100), measured!.Value.Request);
    }

    private void Restore(double at, long clockMilliseconds, params Lease[] leases) =>
        _deadlines.OnRestored(new LeaseClock(clockMilliseconds, new LogIndex(20), new LogIndex(15)), leases, Seconds(at));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Lease Anchored(long anchor) => new(Id, TtlSeconds, new LogIndex(1)) { ClockAnchor = anchor };

    private void Grant(double at) => Apply(new LeaseGrantResponse(1, new Lease(Id, TtlSeconds, new LogIndex(_index + 1))), at);

    private void Advance(double at, long clockMilliseconds, params Lease[] anchored) => Apply(
        new LeaseClockAdvanceResponse(
            1, new LeaseClock(clockMilliseconds, new LogIndex(_index + 1), LogIndex.Zero), IsAccepted: true, anchored),
        at);

    private void Apply(KvResponse response, double at) =>
        _deadlines.OnApplied(new EntryId(_term, new LogIndex(++_index)), response, Seconds(at), _term);
}
