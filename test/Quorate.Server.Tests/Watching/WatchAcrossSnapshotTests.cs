using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Quorate.Kv;
using Quorate.Server.Etcd;
using Quorate.Server.Tests.Replication;
using Quorate.Server.Watching;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>
/// A member that restores a snapshot jumps over many revisions. Each watcher still receives each event once and in order, or learns that
/// the next one is compacted.
/// </summary>
public sealed class WatchAcrossSnapshotTests : IAsyncDisposable
{
    private readonly TestMember _ahead = new();
    private readonly TestMember _member = new();
    private readonly Channel<Wire.WatchRequest> _requests = Channel.CreateUnbounded<Wire.WatchRequest>();
    private readonly Channel<Wire.WatchResponse> _responses = Channel.CreateUnbounded<Wire.WatchResponse>();
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _gate = new(1_000_000);
    private readonly Task _running;
    private volatile int _sending;

    public WatchAcrossSnapshotTests()
    {
        var headers = new ResponseHeaderFactory(1, 1, new FakeRaftNode());
        var stream = new WatchStream(_member.StateMachine, headers, new WatchOptions(), TimeProvider.System, async (response, token) =>
        {
            _sending++;
            await _gate.WaitAsync(token);
            await _responses.Writer.WriteAsync(response, token);
        });
        _running = stream.RunAsync(_requests.Reader, _ending.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _ending.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public async Task An_idle_watcher_receives_what_the_snapshot_adds_to_its_history()
    {
        await WatchAsync("a");
        ApplyToBoth("a", "b");
        Assert.Equal("+a=@2", await NextEventsAsync(1));
        foreach (var key in "bab")
            _ahead.Put($"{key}");

        _member.RestoreFrom(_ahead);
        ApplyToBoth("a");

        Assert.Equal("+a=@5 +a=@7", await NextEventsAsync(2));
    }

    [Fact]
    public async Task A_watcher_of_a_compacted_revision_is_canceled_with_the_compact_revision()
    {
        await WatchAsync("a");
        ApplyToBoth("a");
        Assert.Equal("+a=@2", await NextEventsAsync(1));
        for (var i = 0; i < 10; i++)
            _ahead.Put("a");
        _ahead.Apply(new CompactRequest(8));

        _member.RestoreFrom(_ahead);

        Assert.True(await NextAsync() is { Canceled: true, CompactRevision: 8, Events.Count: 0 });
    }

    /// <summary>As in normal operation: the compact revision itself can be read.</summary>
    [Fact]
    public async Task A_watcher_of_the_compact_revision_itself_receives_everything()
    {
        ApplyToBoth("a");
        await WatchAsync("a", from: 8);
        for (var i = 0; i < 10; i++)
            _ahead.Put("a");
        _ahead.Apply(new CompactRequest(8));

        _member.RestoreFrom(_ahead);

        Assert.Equal("+a=@8 +a=@9 +a=@10 +a=@11 +a=@12", await NextEventsAsync(5));
    }

    [Fact]
    public async Task A_watcher_of_a_later_revision_waits_for_it()
    {
        await WatchAsync("a", from: 14);
        for (var i = 0; i < 10; i++)
            _ahead.Put("a");
        _ahead.Apply(new CompactRequest(8));
        _member.RestoreFrom(_ahead);

        ApplyToBoth("b", "b", "a", "a");

        Assert.Equal("+a=@14 +a=@15", await NextEventsAsync(2));
    }

    /// <summary>No revision was jumped over, so nothing that an idle watcher may have missed is compacted.</summary>
    [Fact]
    public async Task An_idle_watcher_survives_a_snapshot_that_is_compacted_up_to_what_the_member_had()
    {
        await WatchAsync("a");
        ApplyToBoth("b", "b", "b");
        _ahead.Apply(new CompactRequest(4));
        _ahead.Put("a");

        _member.RestoreFrom(_ahead);

        Assert.Equal("+a=@5", await NextEventsAsync(1));
    }

    [Fact]
    public async Task A_blocked_watcher_continues_with_the_history_of_the_snapshot()
    {
        await WatchAsync("a");
        while (await _gate.WaitAsync(0))
        {
        }

        var created = _sending;
        ApplyToBoth("a");
        await Eventually.IsTrueAsync(() => _sending == created + 1, "the watcher blocks on its first event");
        _ahead.Put("a");
        _member.RestoreFrom(_ahead);
        ApplyToBoth("a");
        _gate.Release(1000);

        Assert.Equal("+a=@2 +a=@3 +a=@4", await NextEventsAsync(3));
    }

    /// <summary>Many watchers that are ahead, behind and idle, random changes and compactions, and several snapshots.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Random_watchers_lose_nothing_and_receive_nothing_twice(int seed)
    {
        var random = new Random(seed);
        var all = new List<string>();
        var watchers = new List<(string Key, long From)>();
        var received = new Dictionary<long, List<string>>();
        var canceled = new Dictionary<long, long>();
        for (var round = 0; round < 8; round++)
        {
            for (var i = random.Next(4); i > 0; i--)
            {
                var from = random.Next(4) switch
                {
                    0 => 0,
                    1 => long.Max(1, _member.Store.Revision - random.Next(10)),
                    _ => random.Next(1, 60),
                };
                var key = $"{(char)('a' + random.Next(3))}";
                SendWatch(key, end: "\0", from);
                watchers.Add((key, await ReceiveStartAsync(from)));
            }

            var jumps = random.Next(2) == 0;
            for (var i = random.Next(12); i > 0; i--)
                Change(random, toBoth: !jumps);
            if (jumps)
                _member.RestoreFrom(_ahead);
        }

        while (_ahead.Store.Revision < 60)
            Change(random, toBoth: true);
        Apply(Put("~end"), toBoth: true);
        var last = _ahead.Store.Revision;
        while (Enumerable.Range(0, watchers.Count).Any(w => !canceled.ContainsKey(w) && !HasReceived(w, last)))
            Record(await NextAsync());

        for (var w = 0; w < watchers.Count; w++)
        {
            var (key, from) = watchers[w];
            var expected = all.Where(e => string.CompareOrdinal(e, 1, key, 0, 1) >= 0 && RevisionOf(e) >= from).ToList();
            if (canceled.TryGetValue(w, out var compactRevision))
            {
                Assert.Equal(expected.Take(Received(w).Count), Received(w));
                Assert.True(compactRevision > from, $"watcher {w} from {from} is canceled at {compactRevision}");
                Assert.All(Received(w), e => Assert.True(RevisionOf(e) < compactRevision));
            }
            else
            {
                Assert.Equal(expected, Received(w));
            }
        }

        bool HasReceived(long id, long revision) => Received(id) is [.., var newest] && RevisionOf(newest) == revision;

        List<string> Received(long id) => received.TryGetValue(id, out var events) ? events : received[id] = [];

        // Returns the first revision of the watcher that is being created.
        async Task<long> ReceiveStartAsync(long requested)
        {
            while (true)
            {
                var response = await NextAsync();
                if (response.Created)
                    return requested != 0 ? requested : response.Header.Revision + 1;
                Record(response);
            }
        }

        void Record(Wire.WatchResponse response)
        {
            if (response.Canceled)
                Assert.True(canceled.TryAdd(response.WatchId, response.CompactRevision));
            Received(response.WatchId).AddRange(TestWatchStream.Format(response).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }

        void Change(Random random, bool toBoth)
        {
            var key = $"{(char)('a' + random.Next(3))}{random.Next(3)}";
            Apply(
                random.Next(8) switch
                {
                    0 => new CompactRequest(long.Max(1, _ahead.Store.Revision - random.Next(15))),
                    < 3 => new DeleteRangeRequest(KeyInterval.Prefix(ServerFixture.Utf8(key[..1]).Memory)),
                    _ => Put(key),
                },
                toBoth);
        }

        void Apply(KvRequest request, bool toBoth)
        {
            var before = _ahead.Store.Revision;
            _ahead.Apply(request);
            if (toBoth)
                _member.Apply(request);
            if (_ahead.Store.Revision == before)
                return;
            Assert.Null(_ahead.Store.Events(new WatchEventRequest(KeyInterval.All), before + 1, out var batch));
            all.AddRange(batch.Events.Select(e =>
                $"{(e.IsDeletion ? "-" : "+")}{Encoding.UTF8.GetString(e.Kv.Key.Span)}=@{e.Kv.ModRevision}"));
        }
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, TestEffort.Of(70))];

    private static long RevisionOf(string e) => long.Parse(e[(e.LastIndexOf('@') + 1)..], CultureInfo.InvariantCulture);

    private static PutRequest Put(string key) => new(ServerFixture.Utf8(key).Memory, default);

    private void ApplyToBoth(params string[] keys)
    {
        foreach (var key in keys)
        {
            _ahead.Put(key);
            _member.Put(key);
        }
    }

    private async Task WatchAsync(string key, long from = 0)
    {
        SendWatch(key, end: "", from);
        Assert.True((await NextAsync()).Created);
    }

    private void SendWatch(string key, string end, long from)
    {
        var create = new Wire.WatchCreateRequest
        {
            Key = ServerFixture.Utf8(key), RangeEnd = ServerFixture.Utf8(end), StartRevision = from,
        };
        Assert.True(_requests.Writer.TryWrite(new Wire.WatchRequest { CreateRequest = create }));
    }

    /// <summary>Receives that many events, in as many responses as there are.</summary>
    private async Task<string> NextEventsAsync(int count)
    {
        var events = new List<string>();
        while (events.Count < count)
            events.AddRange(TestWatchStream.Format(await NextAsync()).Split(' '));
        return string.Join(' ', events);
    }

    private Task<Wire.WatchResponse> NextAsync() => _responses.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
