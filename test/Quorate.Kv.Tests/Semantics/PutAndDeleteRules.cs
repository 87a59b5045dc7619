using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, PutRequest and DeleteRangeRequest.</summary>
public sealed class PutAndDeleteRules
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void A_fresh_store_is_at_revision_1_and_the_first_put_makes_2()
    {
        Assert.Equal(1, _store.Revision);
        Assert.Equal("@2 put r2 prev none", _store.Show(Put("a", "1")));
        Assert.Equal(2, _store.Revision);
    }

    [Fact]
    public void A_put_counts_the_version_up_and_keeps_the_create_revision()
    {
        _store.Do(Put("a", "1"));
        _store.Do(Put("a", "2"));

        Assert.Equal("a=2(c2 m3 v2 l0)", Show(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void After_a_deletion_a_key_begins_anew()
    {
        _store.Do(Put("a", "1"));
        _store.Do(Put("a", "2"));
        _store.Do(Delete("a"));
        _store.Do(Put("a", "3"));

        Assert.Equal("a=3(c5 m5 v1 l0)", Show(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void The_previous_version_is_answered_when_asked_for_and_when_there_is_one()
    {
        Assert.Equal("@2 put r2 prev none", _store.Show(Put("a", "1") with { PrevKv = true }));
        Assert.Equal("@3 put r3 prev a=1(c2 m2 v1 l0)", _store.Show(Put("a", "2") with { PrevKv = true }));
        Assert.Equal("@4 put r4 prev none", _store.Show(Put("a", "3")));
        _store.Do(Delete("a"));
        Assert.Equal("@6 put r6 prev none", _store.Show(Put("a", "4") with { PrevKv = true }));
    }

    [Fact]
    public void To_keep_the_value_or_the_lease_the_key_must_exist()
    {
        Assert.Same(KvError.KeyNotFound, _store.Do(Put("a") with { IgnoreValue = true }).Error);
        Assert.Same(KvError.KeyNotFound, _store.Do(Put("a", "1") with { IgnoreLease = true }).Error);
        _store.Do(Put("a", "1"));
        _store.Do(Delete("a"));
        Assert.Same(KvError.KeyNotFound, _store.Do(Put("a") with { IgnoreValue = true }).Error);
        Assert.Equal(3, _store.Revision);
    }

    [Fact]
    public void A_kept_value_is_the_same_value_in_a_new_version()
    {
        _store.Do(Put("a", "1"));

        Assert.True(_store.Do(Put("a") with { IgnoreValue = true, IgnoreLease = true }).IsOk);
        Assert.Equal("a=1(c2 m3 v2 l0)", Show(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void What_is_to_be_kept_must_not_be_given()
    {
        Assert.Same(KvError.ValueProvided, _store.Do(Put("a", "1") with { IgnoreValue = true }).Error);
        Assert.Same(KvError.LeaseProvided, _store.Do(Put("a", "1") with { IgnoreLease = true, Lease = 5 }).Error);
    }

    [Fact]
    public void An_unknown_lease_is_refused_before_a_missing_key_and_nothing_is_put()
    {
        Assert.Same(KvError.LeaseNotFound, _store.Do(Put("a", "1") with { Lease = 5 }).Error);
        Assert.Same(KvError.LeaseNotFound, _store.Do(Put("a") with { Lease = 5, IgnoreValue = true }).Error);
        Assert.Equal(1, _store.Revision);
        Assert.Equal(0, _store.Current.KeyCount);
    }

    [Fact]
    public void An_empty_key_is_refused()
    {
        Assert.Same(KvError.KeyNotProvided, _store.Do(Put("", "1")).Error);
        Assert.Same(KvError.KeyNotProvided, _store.Do(Delete("")).Error);
    }

    [Fact]
    public void An_empty_value_is_a_value()
    {
        _store.Do(Put("a"));

        Assert.Equal("a=(c2 m2 v1 l0)", Show(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void A_value_larger_than_a_page_is_kept_whole()
    {
        var large = new byte[300_000];
        new Random(1).NextBytes(large);
        _store.Do(Put("a", "before"));
        _store.Do(new PutRequest(Bytes("large"), large));
        _store.Do(Put("z", "after"));

        Assert.True(_store.Current.Get("large"u8)!.Value.Value.Span.SequenceEqual(large));
        Assert.Equal("a large z", _store.Keys(Range("\0", "\0")));
    }

    [Fact]
    public void Deleting_many_keys_is_one_revision_and_deleting_none_is_no_revision()
    {
        _store.Do(Put("a", "1"));
        _store.Do(Put("b", "2"));

        Assert.Equal("@4 delete r4 2 [a=1(c2 m2 v1 l0) b=2(c3 m3 v1 l0)]", _store.Show(Delete("a", "z") with { PrevKv = true }));
        Assert.Equal("@4 delete r4 0 []", _store.Show(Delete("a", "z") with { PrevKv = true }));
        Assert.Equal("@4 delete r4 0 []", _store.Show(Delete("z", "a")));
    }

    [Fact]
    public void Deleted_keys_are_answered_only_when_asked_for()
    {
        _store.Do(Put("a", "1"));

        Assert.Equal("@3 delete r3 1 []", _store.Show(Delete("a")));
    }

    [Fact]
    public void Readers_see_a_batch_when_it_has_ended_and_not_before()
    {
        _store.DoInBatch(Put("a", "1"));
        Assert.Equal(0, _store.Current.KeyCount);
        _store.DoInBatch(Put("b", "1"));
        _store.EndBatch();

        Assert.Equal(2, _store.Current.KeyCount);
        Assert.Equal(2ul, _store.Current.AppliedIndex.Value);
    }
}
