using Quorate.Raft;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, Lease: what a lease holds, and what goes with it.</summary>
public sealed class LeaseRules
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void Granting_and_renewing_make_no_revision()
    {
        Assert.Equal(1, Grant(7).Revision);
        Assert.Equal(1, _store.Do(new LeaseRenewRequest(7)).Revision);
        Assert.Equal(new Lease(7, 60, new LogIndex(2)), _store.Current.GetLease(7));
    }

    [Fact]
    public void A_lease_that_exists_is_not_granted_again_and_a_time_too_long_not_at_all()
    {
        Grant(7);

        Assert.Same(KvError.LeaseExists, Grant(7).Error);
        Assert.Same(KvError.LeaseTtlTooLarge, KvChecks.Check(new LeaseGrantRequest(8, Lease.TtlSecondsMax + 1), KvLimits.Default));
        Assert.Null(KvChecks.Check(new LeaseGrantRequest(8, Lease.TtlSecondsMax), KvLimits.Default));
    }

    [Fact]
    public void To_revoke_a_lease_deletes_its_keys_in_one_revision()
    {
        Grant(7);
        _store.Do(Put("a", "1") with { Lease = 7 });
        _store.Do(Put("b", "1") with { Lease = 7 });
        _store.Do(Put("c", "1"));

        Assert.Equal("@5 revoke r5 7", _store.Show(new LeaseRevokeRequest(7)));
        Assert.Equal("c", _store.Keys(Range("a", "\0")));
        Assert.Equal("delete a=(c0 m5 v0 l0) before none\ndelete b=(c0 m5 v0 l0) before none", Events(_store.Current, new EventRequest(KeyInterval.All), 5));
        Assert.Null(_store.Current.GetLease(7));
    }

    [Fact]
    public void To_revoke_a_lease_without_keys_makes_no_revision()
    {
        Grant(7);

        Assert.Equal("@1 revoke r1 7", _store.Show(new LeaseRevokeRequest(7)));
        Assert.Same(KvError.LeaseNotFound, _store.Do(new LeaseRevokeRequest(7)).Error);
        Assert.Same(KvError.LeaseNotFound, _store.Do(new LeaseRenewRequest(7)).Error);
    }

    [Fact]
    public void A_put_attaches_a_put_without_a_lease_detaches_and_one_that_keeps_the_lease_keeps_it()
    {
        Grant(7);
        Grant(8);
        _store.Do(Put("a", "1") with { Lease = 7 });
        _store.Do(Put("a", "2") with { IgnoreLease = true });
        Assert.Equal(["a"], LeaseKeys(7));

        _store.Do(Put("a", "3") with { Lease = 8 });
        Assert.Empty(LeaseKeys(7));
        Assert.Equal(["a"], LeaseKeys(8));

        _store.Do(Put("a", "4"));
        Assert.Empty(LeaseKeys(8));
        _store.Do(new LeaseRevokeRequest(8));
        Assert.Equal("a", _store.Keys(Range("a")));
    }

    [Fact]
    public void A_key_that_is_deleted_and_comes_again_is_no_longer_the_leases()
    {
        Grant(7);
        _store.Do(Put("a", "1") with { Lease = 7 });
        _store.Do(Delete("a"));
        _store.Do(Put("a", "2"));

        _store.Do(new LeaseRevokeRequest(7));

        Assert.Equal("a", _store.Keys(Range("a")));
    }

    [Fact]
    public void A_transaction_with_an_unknown_lease_leaves_nothing_behind()
    {
        Grant(7);

        Assert.Same(KvError.LeaseNotFound, _store.Do(Txn(then: [Put("a", "1") with { Lease = 7 }, Put("b", "1") with { Lease = 9 }])).Error);
        Assert.Equal((1, 0), (_store.Revision, _store.Current.KeyCount));
        Assert.Empty(LeaseKeys(7));
    }

    /// <summary>The leader's clock said the time was up; the renewal was in the log before it could say so.</summary>
    [Fact]
    public void An_expiry_that_was_overtaken_by_a_renewal_does_nothing()
    {
        Grant(7);
        var seen = _store.Current.GetLease(7)!.Value;
        _store.Do(Put("a", "1") with { Lease = 7 });
        _store.Do(new LeaseRenewRequest(7));

        Assert.Equal("@2 expire r2 7 False", _store.Show(new LeaseExpireRequest(7, seen.RenewedAt)));
        Assert.Equal("@3 expire r3 7 True", _store.Show(new LeaseExpireRequest(7, new LogIndex(3))));
        Assert.Equal("@3 expire r3 7 False", _store.Show(new LeaseExpireRequest(7, new LogIndex(3))));
    }

    [Fact]
    public void An_expiry_of_a_lease_that_went_does_not_end_the_next_of_its_name()
    {
        Grant(7);
        var seen = _store.Current.GetLease(7)!.Value;
        _store.Do(new LeaseRevokeRequest(7));
        Grant(7);

        Assert.Equal("@1 expire r1 7 False", _store.Show(new LeaseExpireRequest(7, seen.RenewedAt)));
        Assert.NotNull(_store.Current.GetLease(7));
    }

    /// <summary>HashKV compares members at a revision, and leases have none; the hash of everything sees them.</summary>
    [Fact]
    public void The_hash_of_everything_sees_leases_and_what_is_attached()
    {
        Grant(7);
        var granted = _store.Current.Hash();
        _store.Do(new LeaseRenewRequest(7));
        var renewed = _store.Current.Hash();
        _store.Current.HashKv(0, out var before);
        _store.Do(new LeaseRevokeRequest(7));
        _store.Current.HashKv(0, out var after);

        Assert.Equal(3, new HashSet<uint> { granted, renewed, _store.Current.Hash() }.Count);
        Assert.Equal(before, after);
    }

    [Fact]
    public void Leases_and_attachments_count_in_the_size_of_the_store_as_long_as_they_last()
    {
        var plain = new StoreUnderTest();
        plain.Do(Put("a", "1"));
        Grant(7);
        var granted = _store.Current.SizeBytes;
        _store.Do(Put("a", "1") with { Lease = 7 });

        Assert.True(0 < granted);
        Assert.True(granted + plain.Current.SizeBytes < _store.Current.SizeBytes);

        plain.Do(Delete("a"));
        _store.Do(new LeaseRevokeRequest(7));
        Assert.Equal(plain.Current.SizeBytes, _store.Current.SizeBytes);
    }

    private KvResult Grant(long id) => _store.Do(new LeaseGrantRequest(id, 60));

    private string[] LeaseKeys(long id) => [.. _store.Current.LeaseKeys(id).Select(Text)];
}
