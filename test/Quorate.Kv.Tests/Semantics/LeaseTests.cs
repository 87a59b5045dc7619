using Quorate.Raft;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, Lease: grant, renewal, revocation, expiry, and the keys attached to a lease.</summary>
public sealed class LeaseTests
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void Lease_grants_and_renewals_create_no_revision()
    {
        Assert.Equal(1, Grant(7).Revision);
        Assert.Equal(1, _store.Apply(new LeaseRenewRequest(7)).Revision);
        Assert.Equal(new Lease(7, 60, new LogIndex(2)), _store.Current.GetLease(7));
    }

    [Fact]
    public void A_lease_grant_with_a_used_id_or_too_long_a_TTL_is_rejected()
    {
        Grant(7);

        Assert.Same(KvError.LeaseExists, Grant(7).Error);
        Assert.Same(
            KvError.LeaseTtlTooLarge, RequestValidator.Validate(new LeaseGrantRequest(8, Lease.MaxTtlSeconds + 1), KvLimits.Default));
        Assert.Null(RequestValidator.Validate(new LeaseGrantRequest(8, Lease.MaxTtlSeconds), KvLimits.Default));
    }

    [Fact]
    public void Revoking_a_lease_deletes_its_keys_in_one_revision()
    {
        Grant(7);
        _store.Apply(Put("a", "1") with { Lease = 7 });
        _store.Apply(Put("b", "1") with { Lease = 7 });
        _store.Apply(Put("c", "1"));

        Assert.Equal("@5 revoke r5 7", _store.ApplyAndFormat(new LeaseRevokeRequest(7)));
        Assert.Equal("c", _store.Keys(Range("a", "\0")));
        Assert.Equal(
            "delete a=(c0 m5 v0 l0) before none\ndelete b=(c0 m5 v0 l0) before none",
            Events(_store.Current, new WatchEventRequest(KeyInterval.All), 5));
        Assert.Null(_store.Current.GetLease(7));
    }

    [Fact]
    public void Revoking_a_lease_without_keys_creates_no_revision()
    {
        Grant(7);

        Assert.Equal("@1 revoke r1 7", _store.ApplyAndFormat(new LeaseRevokeRequest(7)));
        Assert.Same(KvError.LeaseNotFound, _store.Apply(new LeaseRevokeRequest(7)).Error);
        Assert.Same(KvError.LeaseNotFound, _store.Apply(new LeaseRenewRequest(7)).Error);
    }

    [Fact]
    public void A_put_attaches_keeps_or_detaches_the_lease_of_a_key()
    {
        Grant(7);
        Grant(8);
        _store.Apply(Put("a", "1") with { Lease = 7 });
        _store.Apply(Put("a", "2") with { IgnoreLease = true });
        Assert.Equal(["a"], LeaseKeys(7));

        _store.Apply(Put("a", "3") with { Lease = 8 });
        Assert.Empty(LeaseKeys(7));
        Assert.Equal(["a"], LeaseKeys(8));

        _store.Apply(Put("a", "4"));
        Assert.Empty(LeaseKeys(8));
        _store.Apply(new LeaseRevokeRequest(8));
        Assert.Equal("a", _store.Keys(Range("a")));
    }

    [Fact]
    public void A_recreated_key_is_not_attached_to_its_old_lease()
    {
        Grant(7);
        _store.Apply(Put("a", "1") with { Lease = 7 });
        _store.Apply(Delete("a"));
        _store.Apply(Put("a", "2"));

        _store.Apply(new LeaseRevokeRequest(7));

        Assert.Equal("a", _store.Keys(Range("a")));
    }

    [Fact]
    public void A_transaction_with_an_unknown_lease_has_no_effect()
    {
        Grant(7);

        Assert.Same(
            KvError.LeaseNotFound, _store.Apply(Txn(then: [Put("a", "1") with { Lease = 7 }, Put("b", "1") with { Lease = 9 }])).Error);
        Assert.Equal((1, 0), (_store.Revision, _store.Current.KeyCount));
        Assert.Empty(LeaseKeys(7));
    }

    /// <summary>By the leader's clock the lease had expired, but a renewal is before the expiry in the log.</summary>
    [Fact]
    public void An_expiry_overtaken_by_a_renewal_has_no_effect()
    {
        Grant(7);
        var seen = _store.Current.GetLease(7)!.Value;
        _store.Apply(Put("a", "1") with { Lease = 7 });
        _store.Apply(new LeaseRenewRequest(7));

        Assert.Equal("@2 expire r2 7 False", _store.ApplyAndFormat(new LeaseExpireRequest(7, seen.RenewedAt)));
        Assert.Equal("@3 expire r3 7 True", _store.ApplyAndFormat(new LeaseExpireRequest(7, new LogIndex(3))));
        Assert.Equal("@3 expire r3 7 False", _store.ApplyAndFormat(new LeaseExpireRequest(7, new LogIndex(3))));
    }

    [Fact]
    public void An_expiry_of_an_earlier_lease_does_not_end_a_new_one_with_its_id()
    {
        Grant(7);
        var seen = _store.Current.GetLease(7)!.Value;
        _store.Apply(new LeaseRevokeRequest(7));
        Grant(7);

        Assert.Equal("@1 expire r1 7 False", _store.ApplyAndFormat(new LeaseExpireRequest(7, seen.RenewedAt)));
        Assert.NotNull(_store.Current.GetLease(7));
    }

    /// <summary>HashKV compares members at a revision, and leases have no revision; only the full hash covers them.</summary>
    [Fact]
    public void The_full_hash_covers_leases_and_attachments()
    {
        Grant(7);
        var granted = _store.Current.Hash();
        _store.Apply(new LeaseRenewRequest(7));
        var renewed = _store.Current.Hash();
        _store.Current.HashKv(0, out var before);
        _store.Apply(new LeaseRevokeRequest(7));
        _store.Current.HashKv(0, out var after);

        Assert.Equal(3, new HashSet<uint> { granted, renewed, _store.Current.Hash() }.Count);
        Assert.Equal(before, after);
    }

    [Fact]
    public void Leases_and_attachments_count_towards_the_store_size()
    {
        var plain = new StoreUnderTest();
        plain.Apply(Put("a", "1"));
        Grant(7);
        var granted = _store.Current.SizeBytes;
        _store.Apply(Put("a", "1") with { Lease = 7 });

        Assert.True(0 < granted);
        Assert.True(granted + plain.Current.SizeBytes < _store.Current.SizeBytes);

        plain.Apply(Delete("a"));
        _store.Apply(new LeaseRevokeRequest(7));
        Assert.Equal(plain.Current.SizeBytes, _store.Current.SizeBytes);
    }

    [Fact]
    public void Many_leases_are_renewed_at_once_and_unknown_ones_have_no_time_to_live()
    {
        Grant(7);
        Grant(8);

        var renewed = Assert.IsType<LeaseRenewManyResponse>(_store.Apply(new LeaseRenewManyRequest([8, 9, 7])).Response);

        Assert.Equal(
            [new Lease(8, 60, new LogIndex(3)), new Lease(9, 0, LogIndex.Zero), new Lease(7, 60, new LogIndex(3))], renewed.Leases);
        Assert.Equal([renewed.Leases[2], renewed.Leases[0]], _store.Current.Leases());
        Assert.Equal(1, _store.Revision);
    }

    /// <summary>An advance that was measured from an earlier one would count the same time twice.</summary>
    [Fact]
    public void An_advance_of_the_lease_clock_has_an_effect_only_behind_the_advance_it_was_measured_from()
    {
        Assert.True(Advance(0, 500).IsAccepted);
        Assert.False(Advance(0, 500).IsAccepted);
        Assert.True(Advance(1, 600).IsAccepted);
        Assert.False(Advance(2, 600).IsAccepted);

        Assert.Equal(new LeaseClock(1100, new LogIndex(3), new LogIndex(1)), _store.Current.LeaseClock);
    }

    /// <summary>
    /// The time that the first advance behind a renewal adds may be from before the renewal: that of a cluster without a leader.
    /// </summary>
    [Fact]
    public void The_age_of_a_lease_counts_from_the_first_advance_behind_its_renewal()
    {
        Grant(7);
        Advance(0, 60_000);
        Assert.Null(_store.Current.GetLease(7)!.Value.ClockAnchor);

        var anchored = Advance(2, 500, sinceApplied: 480).Anchored;
        Assert.Equal(60_020, Assert.Single(anchored).ClockAnchor);
        Assert.Equal(anchored, _store.Current.Leases());

        Assert.Empty(Advance(3, 500).Anchored);
        Assert.Equal(60_020, _store.Current.GetLease(7)!.Value.ClockAnchor);
        _store.Apply(new LeaseRenewRequest(7));
        Assert.Null(_store.Current.GetLease(7)!.Value.ClockAnchor);
    }

    [Fact]
    public void A_lease_that_is_renewed_again_waits_for_its_own_two_advances()
    {
        Grant(7);
        Advance(0, 500);
        _store.Apply(new LeaseRenewRequest(7));

        Assert.Empty(Advance(2, 500).Anchored);
        Assert.Equal(1_000, Assert.Single(Advance(4, 500, sinceApplied: 500).Anchored).ClockAnchor);
    }

    [Fact]
    public void The_full_hash_covers_the_lease_clock_and_the_anchors()
    {
        Grant(7);
        var hashes = new HashSet<uint> { _store.Current.Hash() };
        Advance(0, 500);
        Assert.True(hashes.Add(_store.Current.Hash()));

        var other = new StoreUnderTest();
        other.Apply(new LeaseGrantRequest(7, 60));
        other.Apply(new LeaseClockAdvanceRequest(LogIndex.Zero, 500, 500));
        Advance(2, 500, sinceApplied: 499);
        other.Apply(new LeaseClockAdvanceRequest(new LogIndex(2), 500, 500));
        Assert.NotEqual(other.Current.Hash(), _store.Current.Hash());
    }

    private LeaseClockAdvanceResponse Advance(ulong from, long milliseconds, long sinceApplied = 0) =>
        Assert.IsType<LeaseClockAdvanceResponse>(
            _store.Apply(new LeaseClockAdvanceRequest(new LogIndex(from), milliseconds, sinceApplied)).Response);

    private KvResult Grant(long id) => _store.Apply(new LeaseGrantRequest(id, 60));

    private string[] LeaseKeys(long id) => [.. _store.Current.LeaseKeys(id).Select(Text)];
}
