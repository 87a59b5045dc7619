using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>etcd v3 API, Watch, rule by rule over the wire.</summary>
public sealed class WatchCompatibilityTests
{
    [Fact]
    public async Task A_watcher_receives_created_then_history_then_live_events()
    {
        await using var server = await ServerFixture.StartAsync();
        await PutAsync(server, "a", "1");
        await PutAsync(server, "b", "1");
        await PutAsync(server, "a", "2");
        using var watch = new TestWatchStream(server.Channel);

        var created = await watch.CreateAndConfirmAsync("a", from: 2);
        Assert.Equal((4, 0), (created.Header.Revision, created.WatchId));
        var history = await watch.NextAsync();
        Assert.Equal("+a=1@2 +a=2@4", TestWatchStream.Format(history));
        Assert.Equal(server.Server.Settings.ClusterId, history.Header.ClusterId);
        Assert.Equal(4, history.Header.Revision);

        await server.Kv.DeleteRangeAsync(new DeleteRangeRequest { Key = ServerFixture.Utf8("a") });
        var live = await watch.NextAsync();
        Assert.Equal("-a=@5", TestWatchStream.Format(live));
        Assert.Equal(new KeyValue { Key = ServerFixture.Utf8("a"), ModRevision = 5 }, live.Events[0].Kv);
    }

    [Fact]
    public async Task All_events_of_a_transaction_arrive_in_one_response()
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("k", "l");

        var txn = new TxnRequest();
        for (var i = 0; i < 100; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = ServerFixture.Utf8($"k{i:00}") } });
        await server.Kv.TxnAsync(txn);

        var response = await watch.NextAsync();
        Assert.Equal(100, response.Events.Count);
        Assert.All(response.Events, e => Assert.Equal(2, e.Kv.ModRevision));
    }

    [Fact]
    public async Task A_watcher_of_a_compacted_revision_is_created_and_then_canceled()
    {
        await using var server = await ServerFixture.StartAsync();
        for (var i = 0; i < 4; i++)
            await PutAsync(server, "a", $"{i}");
        await server.Kv.CompactAsync(new CompactionRequest { Revision = 4 });
        using var watch = new TestWatchStream(server.Channel);

        await watch.CreateAndConfirmAsync("a", from: 3);
        var cancelled = await watch.NextAsync();
        Assert.True(cancelled is { Canceled: true, CompactRevision: 4, CancelReason: "", Header.Revision: 0, WatchId: 0 });

        await watch.CreateAndConfirmAsync("a", from: 4);
        Assert.Equal("+a=2@4 +a=3@5", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task A_watcher_of_a_future_revision_waits_for_it()
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("a", from: 4);

        for (var i = 2; i < 6; i++)
            await PutAsync(server, "a", $"{i}");

        Assert.Equal("+a=4@4", await NextOneAsync(watch));
    }

    [Fact]
    public async Task Watch_ids_count_up_and_a_chosen_id_must_be_free()
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);

        Assert.Equal(0, (await watch.CreateAndConfirmAsync("a")).WatchId);
        Assert.Equal(1, (await watch.CreateAndConfirmAsync("a", with: w => w.WatchId = 1)).WatchId);
        Assert.Equal(2, (await watch.CreateAndConfirmAsync("a")).WatchId);
        await watch.CreateAsync("a", with: w => w.WatchId = 2);

        var response = await watch.NextAsync();
        Assert.True(
            response is
            {
                Created: true, Canceled: true, WatchId: -1, CancelReason: "mvcc: duplicate watch ID provided on the WatchStream"
            });
    }

    [Theory]
    [InlineData("b", "a", 0, "mvcc: watcher range is empty")]
    [InlineData("b", "b", 0, "mvcc: watcher range is empty")]
    [InlineData("b", "", -1, "mvcc: required revision has been compacted")]
    public async Task An_invalid_watch_is_created_and_canceled_in_one_response(string key, string end, long from, string reason)
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);

        await watch.CreateAsync(key, end, from);

        var response = await watch.NextAsync();
        Assert.True(response is { Created: true, Canceled: true, WatchId: -1 });
        Assert.Equal(reason, response.CancelReason);
    }

    [Fact]
    public async Task A_canceled_watcher_receives_no_more_events()
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("a");
        await watch.CreateAndConfirmAsync("b");

        await watch.CancelAsync(77);
        await watch.CancelAsync(0);
        var cancelled = await watch.NextAsync();
        Assert.True(cancelled is { Canceled: true, WatchId: 0, CancelReason: "", CompactRevision: 0 });
        await PutAsync(server, "a", "1");
        await PutAsync(server, "b", "1");

        Assert.Equal("+b=1@3", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task A_watcher_receives_previous_values_and_no_filtered_events()
    {
        await using var server = await ServerFixture.StartAsync();
        await PutAsync(server, "a", "1");
        await PutAsync(server, "a", "2");
        await server.Kv.DeleteRangeAsync(new DeleteRangeRequest { Key = ServerFixture.Utf8("a") });
        using var watch = new TestWatchStream(server.Channel);

        await watch.CreateAndConfirmAsync("a", from: 1, with: w => w.PrevKv = true);
        Assert.Equal("+a=1@2 +a=2@3(was 1@2) -a=@4(was 2@3)", await watch.NextEventsAsync());
        await watch.CreateAndConfirmAsync("a", from: 1, with: w => w.Filters.Add(WatchCreateRequest.Types.FilterType.Noput));
        Assert.Equal("-a=@4", await watch.NextEventsAsync());
        await watch.CreateAndConfirmAsync("a", from: 1, with: w => w.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete));
        Assert.Equal("+a=1@2 +a=2@3", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task An_empty_key_with_an_open_end_watches_every_key()
    {
        await using var server = await ServerFixture.StartAsync();
        await PutAsync(server, "a", "1");
        using var watch = new TestWatchStream(server.Channel);

        await watch.CreateAndConfirmAsync("", "\0", from: 1);

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task A_progress_response_follows_the_events_of_every_watcher()
    {
        await using var server = await ServerFixture.StartAsync();
        await PutAsync(server, "a", "1");
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("a", from: 1);

        await watch.RequestProgressAsync();

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
        var progress = await watch.NextAsync();
        Assert.True(progress is { WatchId: -1, Created: false, Canceled: false, Events.Count: 0, Header.Revision: 2 });
    }

    [Theory]
    [InlineData("--watch-progress-notify-interval=100ms")]
    [InlineData("--experimental-watch-progress-notify-interval=100ms")]
    public async Task An_idle_watcher_is_notified_of_progress_at_the_interval_of_the_flag(string flag)
    {
        await using var server = await ServerFixture.StartAsync(flag);
        using var watch = new TestWatchStream(server.Channel);
        var created = await watch.CreateAndConfirmAsync("a", with: w => w.ProgressNotify = true);

        var progress = await watch.NextAsync();

        Assert.True(progress is { Created: false, Canceled: false, Events.Count: 0, Header.Revision: 1 });
        Assert.Equal(created.WatchId, progress.WatchId);
    }

    [Fact]
    public async Task A_large_response_is_fragmented_only_for_watchers_that_asked_for_it()
    {
        await using var server = await ServerFixture.StartAsync("--max-request-bytes=100000");
        var txn = new TxnRequest();
        for (var i = 0; i < 9; i++)
        {
            var put = new PutRequest { Key = ServerFixture.Utf8($"k{i}"), Value = ByteString.CopyFrom(new byte[10_000]) };
            txn.Success.Add(new RequestOp { RequestPut = put });
        }

        await server.Kv.TxnAsync(txn);
        await server.Kv.TxnAsync(txn);
        using var watch = new TestWatchStream(server.Channel);

        await watch.CreateAndConfirmAsync("k", "l", from: 1, with: w => w.Fragment = true);
        var first = await watch.NextAsync();
        var last = await watch.NextAsync();
        Assert.Equal((true, false, 18), (first.Fragment, last.Fragment, first.Events.Count + last.Events.Count));
        Assert.True(first.CalculateSize() <= 101_000);

        await watch.CreateAndConfirmAsync("k", "l", from: 1);
        Assert.Equal(18, (await watch.NextAsync()).Events.Count);
    }

    [Fact]
    public async Task A_half_closed_client_still_receives_events()
    {
        await using var server = await ServerFixture.StartAsync();
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("a");
        await watch.CompleteRequestsAsync();

        await PutAsync(server, "a", "1");

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task The_gateway_sends_one_line_per_watch_response()
    {
        await using var server = await ServerFixture.StartAsync();
        using var request =
            new HttpRequestMessage(HttpMethod.Post, "/v3/watch") { Content = new StringContent("""{"create_request":{"key":"YQ=="}}""") };
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var created = await lines.ReadLineAsync();
        await PutAsync(server, "a", "1");
        var eventLine = await lines.ReadLineAsync();

        Assert.Contains("\"created\": true", created, StringComparison.Ordinal);
        Assert.StartsWith("{\"result\":{", eventLine, StringComparison.Ordinal);
        Assert.Contains("\"mod_revision\": \"2\"", eventLine, StringComparison.Ordinal);
    }

    /// <summary>Receives the first event; one response may contain several revisions.</summary>
    private static async Task<string> NextOneAsync(TestWatchStream watch) => (await watch.NextEventsAsync()).Split(' ')[0];

    private static Task<PutResponse> PutAsync(RunningServer server, string key, string value) =>
        server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8(key), Value = ServerFixture.Utf8(value) }).ResponseAsync;
}
