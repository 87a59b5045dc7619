using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Watching;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>A slow watcher lags; it uses no memory for the events it has not received, and delays no other watcher.</summary>
public sealed class SlowWatcherTests
{
    private readonly EtcdStateMachine _stateMachine = new(
        new MemberRegistry([]), new MemberLeaseDeadlines(TimeProvider.System),
        new UndecodableCommands(NullLogger.Instance, TimeProvider.System));
    private readonly Channel<Wire.WatchRequest> _requests = Channel.CreateUnbounded<Wire.WatchRequest>();
    private readonly Channel<Wire.WatchResponse> _responses = Channel.CreateUnbounded<Wire.WatchResponse>();
    private ulong _index;

    [Fact]
    public async Task A_watcher_behind_a_compaction_is_canceled_with_the_compact_revision()
    {
        var gate = new SemaphoreSlim(1); // Room for the created response.
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        Assert.True((await NextAsync()).Created);
        Apply(new PutRequest("a"u8.ToArray(), "1"u8.ToArray()));
        await Eventually.IsTrueAsync(() => _sending == 2, "the watcher blocks on its first event");

        for (var i = 0; i < 100; i++)
            Apply(new PutRequest("a"u8.ToArray(), "2"u8.ToArray()));
        Apply(new CompactRequest(90));
        Assert.Equal(0, _responses.Reader.Count);
        gate.Release(10);

        Assert.Equal("+a=1@2", TestWatchStream.Format(await NextAsync()));
        Assert.True(await NextAsync() is { Canceled: true, CompactRevision: 90, Events.Count: 0 });
        await StopAsync(running, ending);
    }

    [Fact]
    public async Task A_blocked_watcher_later_receives_every_event_once_and_in_order()
    {
        var gate = new SemaphoreSlim(1);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        await NextAsync();

        for (var i = 0; i < 10_000; i++)
            Apply(new PutRequest("a"u8.ToArray(), default));
        gate.Release(10_000);

        var received = new List<long>();
        while (received.Count < 10_000)
            received.AddRange((await NextAsync()).Events.Select(e => e.Kv.ModRevision));
        Assert.Equal(Enumerable.Range(2, 10_000).Select(r => (long)r), received);
        await StopAsync(running, ending);
    }

    [Fact]
    public async Task An_idle_watcher_with_progress_notify_receives_its_progress()
    {
        var gate = new SemaphoreSlim(1000);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions { ProgressInterval = TimeSpan.FromMilliseconds(20) }, gate, ending.Token);
        Watch("a", w => w.ProgressNotify = true);
        Watch("a");
        await NextAsync();
        await NextAsync();
        Apply(new PutRequest("other"u8.ToArray(), default));

        Wire.WatchResponse response;
        do
            response = await NextAsync();
        while (response.Header.Revision < 2);

        Assert.True(response is { WatchId: 0, Events.Count: 0, Canceled: false, Created: false, Header.Revision: 2 });
        await StopAsync(running, ending);
    }

    /// <summary>The cost of a put must not grow with the streams and watchers of other keys.</summary>
    [Fact]
    public async Task A_stream_without_a_matching_watcher_does_not_read_the_store()
    {
        var gate = new SemaphoreSlim(1000);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        Watch("b", w => w.RangeEnd = ServerFixture.Utf8("c"));
        await NextAsync();
        await NextAsync();
        for (var i = 0; i < 1000; i++)
            Apply(new PutRequest("other"u8.ToArray(), default));
        Apply(new PutRequest("b1"u8.ToArray(), "1"u8.ToArray()));
        Assert.Equal("+b1=1@1002", TestWatchStream.Format(await NextAsync()));

        // The created responses, and a few turns of the loop.
        Assert.InRange(_reads, 1, 20);
        await StopAsync(running, ending);
    }

    [Fact]
    public async Task An_idle_watcher_survives_a_compaction_of_revisions_that_changed_other_keys()
    {
        var gate = new SemaphoreSlim(1000);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        await NextAsync();
        for (var i = 0; i < 100; i++)
            Apply(new PutRequest("other"u8.ToArray(), default));
        Apply(new CompactRequest(90));
        Apply(new PutRequest("a"u8.ToArray(), "1"u8.ToArray()));

        Assert.Equal("+a=1@102", TestWatchStream.Format(await NextAsync()));
        await StopAsync(running, ending);
    }

    /// <summary>Otherwise the index would keep every watcher of every stream that ever ended.</summary>
    [Fact]
    public async Task A_stream_that_ends_removes_its_watchers()
    {
        var gate = new SemaphoreSlim(1000);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        Watch("b", w => w.RangeEnd = ServerFixture.Utf8("c"));
        Watch("c");
        Assert.True(_requests.Writer.TryWrite(
            new Wire.WatchRequest { CancelRequest = new Wire.WatchCancelRequest { WatchId = 2 } }));
        for (var i = 0; i < 4; i++)
            await NextAsync();
        Assert.Equal(2, _stateMachine.Watchers.Count);

        await StopAsync(running, ending);

        Assert.Equal(0, _stateMachine.Watchers.Count);
    }

    [Fact]
    public async Task A_watcher_catches_up_with_its_history_while_its_keys_change()
    {
        for (var i = 0; i < 10_000; i++)
            Apply(new PutRequest("a"u8.ToArray(), default));
        var gate = new SemaphoreSlim(1); // Room for the created response.
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a", w => w.StartRevision = 1);
        Assert.True((await NextAsync()).Created);
        await Eventually.IsTrueAsync(() => _sending == 2, "the watcher blocks on its first batch of history");

        for (var i = 0; i < 10_000; i++)
            Apply(new PutRequest("a"u8.ToArray(), default));
        gate.Release(20_000);

        var received = new List<long>();
        while (received.Count < 20_000)
            received.AddRange((await NextAsync()).Events.Select(e => e.Kv.ModRevision));
        Assert.Equal(Enumerable.Range(2, 20_000).Select(r => (long)r), received);
        await StopAsync(running, ending);
    }

    private volatile int _sending;
    private int _reads;

    private Task RunAsync(WatchOptions options, SemaphoreSlim gate, CancellationToken ending)
    {
        var headers = new ResponseHeaderFactory(1, 1, new FakeRaftNode());
        var stream = new WatchStream(new CountingReader(this), headers, options, TimeProvider.System, async (response, token) =>
        {
            _sending++;
            await gate.WaitAsync(token);
            await _responses.Writer.WriteAsync(response, token);
        });
        return stream.RunAsync(_requests.Reader, ending);
    }

    private static async Task StopAsync(Task running, CancellationTokenSource ending)
    {
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private void Watch(string key, Action<Wire.WatchCreateRequest>? with = null)
    {
        var create = new Wire.WatchCreateRequest { Key = ServerFixture.Utf8(key) };
        with?.Invoke(create);
        Assert.True(_requests.Writer.TryWrite(new Wire.WatchRequest { CreateRequest = create }));
    }

    private Task<Wire.WatchResponse> NextAsync() => _responses.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    private void Apply(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(request, bytes);
        _stateMachine.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), bytes.WrittenMemory));
        _stateMachine.BatchApplied(new LogIndex(_index));
    }

    /// <summary>The store of the test; counts the snapshots taken.</summary>
    private sealed class CountingReader(SlowWatcherTests test) : IStoreReader
    {
        public KvSnapshot Current
        {
            get
            {
                Interlocked.Increment(ref test._reads);
                return test._stateMachine.Current;
            }
        }

        public WatchNotifier Watchers => test._stateMachine.Watchers;

        public KvResult Read(KvOperation operation, IReadCancellation cancellation) =>
            test._stateMachine.Read(operation, cancellation);

        public KvError? HashKv(long revision, out KvHash hash) => test._stateMachine.HashKv(revision, out hash);
    }
}
