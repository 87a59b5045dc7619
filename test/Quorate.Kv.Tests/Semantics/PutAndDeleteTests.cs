using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, PutRequest and DeleteRangeRequest.</summary>
public sealed class PutAndDeleteTests
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void The_first_put_to_an_empty_store_creates_revision_2()
    {
        Assert.Equal(1, _store.Revision);
        Assert.Equal("@2 put r2 prev none", _store.ApplyAndFormat(Put("a", "1")));
        Assert.Equal(2, _store.Revision);
    }

    [Fact]
    public void A_put_increments_the_version_and_keeps_the_create_revision()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("a", "2"));

        Assert.Equal("a=2(c2 m3 v2 l0)", Format(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void A_recreated_key_restarts_at_version_1()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("a", "2"));
        _store.Apply(Delete("a"));
        _store.Apply(Put("a", "3"));

        Assert.Equal("a=3(c5 m5 v1 l0)", Format(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void A_put_returns_the_previous_value_on_request()
    {
        Assert.Equal("@2 put r2 prev none", _store.ApplyAndFormat(Put("a", "1") with { PrevKv = true }));
        Assert.Equal("@3 put r3 prev a=1(c2 m2 v1 l0)", _store.ApplyAndFormat(Put("a", "2") with { PrevKv = true }));
        Assert.Equal("@4 put r4 prev none", _store.ApplyAndFormat(Put("a", "3")));
        _store.Apply(Delete("a"));
        Assert.Equal("@6 put r6 prev none", _store.ApplyAndFormat(Put("a", "4") with { PrevKv = true }));
    }

    [Fact]
    public void Ignore_value_and_ignore_lease_require_an_existing_key()
    {
        Assert.Same(KvError.KeyNotFound, _store.Apply(Put("a") with { IgnoreValue = true }).Error);
        Assert.Same(KvError.KeyNotFound, _store.Apply(Put("a", "1") with { IgnoreLease = true }).Error);
        _store.Apply(Put("a", "1"));
        _store.Apply(Delete("a"));
        Assert.Same(KvError.KeyNotFound, _store.Apply(Put("a") with { IgnoreValue = true }).Error);
        Assert.Equal(3, _store.Revision);
    }

    [Fact]
    public void Ignore_value_keeps_the_value_in_a_new_version()
    {
        _store.Apply(Put("a", "1"));

        Assert.True(_store.Apply(Put("a") with { IgnoreValue = true, IgnoreLease = true }).IsOk);
        Assert.Equal("a=1(c2 m3 v2 l0)", Format(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void Ignored_fields_must_not_be_provided()
    {
        Assert.Same(KvError.ValueProvided, _store.Apply(Put("a", "1") with { IgnoreValue = true }).Error);
        Assert.Same(KvError.LeaseProvided, _store.Apply(Put("a", "1") with { IgnoreLease = true, Lease = 5 }).Error);
    }

    [Fact]
    public void An_unknown_lease_is_rejected_before_a_missing_key()
    {
        Assert.Same(KvError.LeaseNotFound, _store.Apply(Put("a", "1") with { Lease = 5 }).Error);
        Assert.Same(KvError.LeaseNotFound, _store.Apply(Put("a") with { Lease = 5, IgnoreValue = true }).Error);
        Assert.Equal(1, _store.Revision);
        Assert.Equal(0, _store.Current.KeyCount);
    }

    [Fact]
    public void An_empty_key_is_rejected()
    {
        Assert.Same(KvError.KeyNotProvided, _store.Apply(Put("", "1")).Error);
        Assert.Same(KvError.KeyNotProvided, _store.Apply(Delete("")).Error);
    }

    [Fact]
    public void An_empty_value_is_stored()
    {
        _store.Apply(Put("a"));

        Assert.Equal("a=(c2 m2 v1 l0)", Format(_store.Current.Get("a"u8)!.Value));
    }

    [Fact]
    public void A_value_larger_than_a_page_is_stored_whole()
    {
        var large = new byte[300_000];
        new Random(1).NextBytes(large);
        _store.Apply(Put("a", "before"));
        _store.Apply(new PutRequest(Bytes("large"), large));
        _store.Apply(Put("z", "after"));

        Assert.True(_store.Current.Get("large"u8)!.Value.Value.Span.SequenceEqual(large));
        Assert.Equal("a large z", _store.Keys(Range("\0", "\0")));
    }

    [Fact]
    public void A_delete_creates_one_revision_unless_no_key_matches()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("b", "2"));

        Assert.Equal("@4 delete r4 2 [a=1(c2 m2 v1 l0) b=2(c3 m3 v1 l0)]", _store.ApplyAndFormat(Delete("a", "z") with { PrevKv = true }));
        Assert.Equal("@4 delete r4 0 []", _store.ApplyAndFormat(Delete("a", "z") with { PrevKv = true }));
        Assert.Equal("@4 delete r4 0 []", _store.ApplyAndFormat(Delete("z", "a")));
    }

    [Fact]
    public void Deleted_keys_are_returned_only_on_request()
    {
        _store.Apply(Put("a", "1"));

        Assert.Equal("@3 delete r3 1 []", _store.ApplyAndFormat(Delete("a")));
    }

    [Fact]
    public void A_batch_becomes_visible_when_it_ends()
    {
        _store.ApplyInBatch(Put("a", "1"));
        Assert.Equal(0, _store.Current.KeyCount);
        _store.ApplyInBatch(Put("b", "1"));
        _store.EndBatch();

        Assert.Equal(2, _store.Current.KeyCount);
        Assert.Equal(2ul, _store.Current.AppliedIndex.Value);
    }
}
