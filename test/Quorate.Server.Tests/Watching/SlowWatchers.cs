using System.Buffers;
using System.Threading.Channels;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Quorate.Server.Watching;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>A watcher that cannot take what it is told lags, and costs nobody anything.</summary>
public sealed class SlowWatchers
{
    private readonly ClusterMachine _machine = new(new MemberBook([]), new LeaseClock(TimeProvider.System));
    private readonly Channel<Wire.WatchRequest> _requests = Channel.CreateUnbounded<Wire.WatchRequest>();
    private readonly Channel<Wire.WatchResponse> _answers = Channel.CreateUnbounded<Wire.WatchResponse>();
    private ulong _index;

    [Fact]
    public async Task One_that_a_compaction_overtakes_is_cancelled_with_where_to_begin_again()
    {
        var gate = new SemaphoreSlim(1); // Room for the answer that it was created.
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        Assert.True((await NextAsync()).Created);
        Do(new PutRequest("a"u8.ToArray(), "1"u8.ToArray()));
        await Eventually.HoldsAsync(() => _sending == 2, "it is held up with its first event");

        for (var i = 0; i < 100; i++)
            Do(new PutRequest("a"u8.ToArray(), "2"u8.ToArray()));
        Do(new CompactRequest(90));
        Assert.Equal(0, _answers.Reader.Count);
        gate.Release(10);

        Assert.Equal("+a=1@2", WatchUnderTest.Show(await NextAsync()));
        Assert.True(await NextAsync() is { Canceled: true, CompactRevision: 90, Events.Count: 0 });
        await EndAsync(running, ending);
    }

    [Fact]
    public async Task One_that_was_held_up_is_told_everything_once_and_in_order_when_it_reads_on()
    {
        var gate = new SemaphoreSlim(1);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions(), gate, ending.Token);
        Watch("a");
        await NextAsync();

        for (var i = 0; i < 10_000; i++)
            Do(new PutRequest("a"u8.ToArray(), default));
        gate.Release(10_000);

        var told = new List<long>();
        while (told.Count < 10_000)
            told.AddRange((await NextAsync()).Events.Select(e => e.Kv.ModRevision));
        Assert.Equal(Enumerable.Range(2, 10_000).Select(r => (long)r), told);
        await EndAsync(running, ending);
    }

    [Fact]
    public async Task One_that_hears_nothing_is_told_how_far_it_is_if_it_asked_for_that()
    {
        var gate = new SemaphoreSlim(1000);
        using var ending = new CancellationTokenSource();
        var running = RunAsync(new WatchOptions { ProgressInterval = TimeSpan.FromMilliseconds(20) }, gate, ending.Token);
        Watch("a", w => w.ProgressNotify = true);
        Watch("a");
        await NextAsync();
        await NextAsync();
        Do(new PutRequest("other"u8.ToArray(), default));

        Wire.WatchResponse told;
        do
            told = await NextAsync();
        while (told.Header.Revision < 2);

        Assert.True(told is { WatchId: 0, Events.Count: 0, Canceled: false, Created: false, Header.Revision: 2 });
        await EndAsync(running, ending);
    }

    private volatile int _sending;

    private Task RunAsync(WatchOptions options, SemaphoreSlim gate, CancellationToken ending)
    {
        var stream = new WatchStream(_machine, new Headers(1, 1, new QuietReplica()), options, TimeProvider.System, async (answer, token) =>
        {
            _sending++;
            await gate.WaitAsync(token);
            await _answers.Writer.WriteAsync(answer, token);
        });
        return stream.RunAsync(_requests.Reader, ending);
    }

    private static async Task EndAsync(Task running, CancellationTokenSource ending)
    {
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private void Watch(string key, Action<Wire.WatchCreateRequest>? with = null)
    {
        var create = new Wire.WatchCreateRequest { Key = Given.Bytes(key) };
        with?.Invoke(create);
        Assert.True(_requests.Writer.TryWrite(new Wire.WatchRequest { CreateRequest = create }));
    }

    private Task<Wire.WatchResponse> NextAsync() => _answers.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    private void Do(KvRequest request)
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvCommand.Encode(request, bytes);
        _machine.Apply(new CommittedCommand(new EntryId(new Term(1), new LogIndex(++_index)), bytes.WrittenMemory));
        _machine.BatchApplied(new LogIndex(_index));
    }
}
