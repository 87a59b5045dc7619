using System.Buffers;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Watching;

namespace Quorate.Server.Tests.Watching;

/// <summary>A revision notifies the watchers of its keys, and only those; each reads from the first revision that concerns it.</summary>
public sealed class WatchNotifierTests
{
    private readonly KvStore _store = new();
    private readonly WatchNotifier _notifier;
    private readonly ReadyWatchers _ready = new();
    private readonly List<Watcher> _behind = [];
    private ulong _index;

    public WatchNotifierTests() => _notifier = new WatchNotifier(_store.Current);

    [Fact]
    public void A_put_wakes_only_the_streams_with_a_matching_watcher()
    {
        var other = new ReadyWatchers();
        Add("a");
        _notifier.Add(new Watcher(1, Request("b"), 2, other));
        var (waiting, otherWaiting) = (_ready.WaitAsync(), other.WaitAsync());

        ApplyBatch(Put("a"));

        Assert.True(waiting.IsCompleted);
        Assert.False(otherWaiting.IsCompleted);
    }

    [Theory]
    [InlineData("a", "")]
    [InlineData("a", "b")]
    [InlineData("a", "\0")]
    [InlineData("\0", "\0")]
    public void A_watcher_of_the_key_is_notified_of_the_first_revision_since_it_was_taken(string key, string end)
    {
        var watcher = Add(key, end);
        ApplyBatch(Put("A"), Put("a"), Put("a"));
        ApplyBatch(Put("a"));

        Take();

        Assert.Equal([watcher], _behind);
        Assert.Equal(key == "\0" ? 2 : 3, watcher.NextRevision);
        Assert.Equal(5, _notifier.NotifiedRevision);
    }

    [Fact]
    public void A_watcher_that_is_behind_skips_no_revision()
    {
        var watcher = Add("a");
        ApplyBatch(Put("a"));
        Take();
        ApplyBatch(Put("b"), Put("a"));

        _ready.Take(_behind);

        Assert.Equal([watcher], _behind);
        Assert.Equal(2, watcher.NextRevision);
    }

    [Fact]
    public void A_notification_of_revisions_already_read_moves_no_watcher_back()
    {
        var watcher = Add("a");
        ApplyBatch(Put("a"), Put("b"), Put("b"));
        (watcher.NextRevision, watcher.IsBehind) = (5, false);

        Take();

        Assert.Equal(5, watcher.NextRevision);
    }

    [Fact]
    public void A_removed_watcher_is_not_notified()
    {
        var watcher = Add("a");
        _notifier.Remove(watcher);
        _notifier.Remove(watcher);

        ApplyBatch(Put("a"));

        Take();
        Assert.Empty(_behind);
        Assert.Equal(0, _notifier.Count);
    }

    [Fact]
    public void A_canceled_watcher_in_the_queue_is_dropped()
    {
        var watcher = Add("a");
        ApplyBatch(Put("a"));
        _notifier.Remove(watcher);
        watcher.IsCanceled = true;

        Take();

        Assert.Empty(_behind);
    }

    /// <summary>A deletion, a transaction and the end of a lease change keys too.</summary>
    [Fact]
    public void Every_kind_of_change_notifies()
    {
        var watcher = Add("k", "l");
        KvRequest[] changes =
        [
            new LeaseGrantRequest(1, 10),
            new TxnRequest([], [Put("k1"), new PutRequest("k2"u8.ToArray(), default) { Lease = 1 }], []),
            new DeleteRangeRequest(KeyInterval.Single("k1"u8.ToArray())),
            new LeaseRevokeRequest(1),
        ];
        var notified = new List<long>();
        foreach (var change in changes)
        {
            ApplyBatch(change);
            Take();
            if (_behind.Count > 0)
                notified.Add(watcher.NextRevision);
            _behind.Clear();
            watcher.IsBehind = false;
        }

        Assert.Equal([2, 3, 4], notified);
    }

    /// <summary>What the compacted revisions changed cannot be read any more, so each watcher must find out that it is compacted.</summary>
    [Fact]
    public void Revisions_that_are_compacted_before_they_are_notified_notify_every_watcher()
    {
        var watcher = Add("other");

        ApplyBatch(Put("a"), Put("a"), new CompactRequest(3));

        Take();
        Assert.Equal([watcher], _behind);
        Assert.Equal(2, watcher.NextRevision);
        Assert.Same(KvError.Compacted, _store.Current.Events(watcher.Request, watcher.NextRevision, out _));
    }

    [Fact]
    public void A_large_batch_notifies_every_watcher_once()
    {
        var watchers = Enumerable.Range(0, 600).Select(i => Add($"{i:000}")).ToList();

        ApplyBatch([.. Enumerable.Range(0, 1200).Select(i => (KvRequest)Put($"{i % 600:000}"))]);

        Take();
        Assert.Equal(watchers.Select(w => w.Id), _behind.Select(w => w.Id).Order());
        Assert.All(watchers, w => Assert.Equal(2 + w.Id, w.NextRevision));
    }

    private void Take() => _ready.Take(_behind);

    private Watcher Add(string key, string end = "")
    {
        var watcher = new Watcher(_notifier.Count, Request(key, end), 2, _ready);
        _notifier.Add(watcher);
        return watcher;
    }

    private static WatchEventRequest Request(string key, string end = "") =>
        new(KeyInterval.FromWire(ServerFixture.Utf8(key).Memory, ServerFixture.Utf8(end).Memory));

    private static PutRequest Put(string key) => new(ServerFixture.Utf8(key).Memory, default);

    private void ApplyBatch(params KvRequest[] requests)
    {
        foreach (var request in requests)
        {
            var bytes = new ArrayBufferWriter<byte>();
            KvCommandCodec.Encode(request, bytes);
            var result = _store.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), bytes.WrittenMemory));
            Assert.True(result.IsOk, result.Error?.Message);
        }

        _store.BatchApplied(new LogIndex(_index));
        _notifier.Notify(_store.Current);
    }
}
