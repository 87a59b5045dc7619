using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>etcd v3 API, Watch, rule by rule over the wire.</summary>
public sealed class WatchesAreEtcds
{
    [Fact]
    public async Task Created_comes_first_then_history_then_what_happens()
    {
        await using var server = await Given.ServerAsync();
        await PutAsync(server, "a", "1");
        await PutAsync(server, "b", "1");
        await PutAsync(server, "a", "2");
        using var watch = new WatchUnderTest(server.Channel);

        var created = await watch.CreatedAsync("a", from: 2);
        Assert.Equal((4, 0), (created.Header.Revision, created.WatchId));
        var history = await watch.NextAsync();
        Assert.Equal("+a=1@2 +a=2@4", WatchUnderTest.Show(history));
        Assert.Equal(server.Server.Settings.ClusterId, history.Header.ClusterId);
        Assert.Equal(4, history.Header.Revision);

        await server.Kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Given.Bytes("a") });
        var live = await watch.NextAsync();
        Assert.Equal("-a=@5", WatchUnderTest.Show(live));
        Assert.Equal(new KeyValue { Key = Given.Bytes("a"), ModRevision = 5 }, live.Events[0].Kv);
    }

    [Fact]
    public async Task All_of_a_transaction_comes_in_one_answer()
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("k", "l");

        var txn = new TxnRequest();
        for (var i = 0; i < 100; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Given.Bytes($"k{i:00}") } });
        await server.Kv.TxnAsync(txn);

        var answer = await watch.NextAsync();
        Assert.Equal(100, answer.Events.Count);
        Assert.All(answer.Events, e => Assert.Equal(2, e.Kv.ModRevision));
    }

    [Fact]
    public async Task A_compacted_start_is_created_and_then_cancelled_with_where_to_begin_again()
    {
        await using var server = await Given.ServerAsync();
        for (var i = 0; i < 4; i++)
            await PutAsync(server, "a", $"{i}");
        await server.Kv.CompactAsync(new CompactionRequest { Revision = 4 });
        using var watch = new WatchUnderTest(server.Channel);

        await watch.CreatedAsync("a", from: 3);
        var cancelled = await watch.NextAsync();
        Assert.True(cancelled is { Canceled: true, CompactRevision: 4, CancelReason: "", Header.Revision: 0, WatchId: 0 });

        await watch.CreatedAsync("a", from: 4);
        Assert.Equal("+a=2@4 +a=3@5", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task A_start_that_lies_ahead_is_waited_for()
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("a", from: 4);

        for (var i = 2; i < 6; i++)
            await PutAsync(server, "a", $"{i}");

        Assert.Equal("+a=4@4", await NextOneAsync(watch));
    }

    [Fact]
    public async Task Ids_are_counted_up_and_a_chosen_one_must_be_free()
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);

        Assert.Equal(0, (await watch.CreatedAsync("a")).WatchId);
        Assert.Equal(1, (await watch.CreatedAsync("a", with: w => w.WatchId = 1)).WatchId);
        Assert.Equal(2, (await watch.CreatedAsync("a")).WatchId);
        await watch.CreateAsync("a", with: w => w.WatchId = 2);

        var refused = await watch.NextAsync();
        Assert.True(refused is { Created: true, Canceled: true, WatchId: -1, CancelReason: "mvcc: duplicate watch ID provided on the WatchStream" });
    }

    [Theory]
    [InlineData("b", "a", 0, "mvcc: watcher range is empty")]
    [InlineData("b", "b", 0, "mvcc: watcher range is empty")]
    [InlineData("b", "", -1, "mvcc: required revision has been compacted")]
    public async Task What_cannot_be_watched_is_created_and_cancelled_in_one(string key, string end, long from, string reason)
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);

        await watch.CreateAsync(key, end, from);

        var refused = await watch.NextAsync();
        Assert.True(refused is { Created: true, Canceled: true, WatchId: -1 });
        Assert.Equal(reason, refused.CancelReason);
    }

    [Fact]
    public async Task A_cancelled_watcher_is_told_so_and_nothing_more_and_an_unknown_one_is_not_answered()
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("a");
        await watch.CreatedAsync("b");

        await watch.CancelAsync(77);
        await watch.CancelAsync(0);
        var cancelled = await watch.NextAsync();
        Assert.True(cancelled is { Canceled: true, WatchId: 0, CancelReason: "", CompactRevision: 0 });
        await PutAsync(server, "a", "1");
        await PutAsync(server, "b", "1");

        Assert.Equal("+b=1@3", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task What_was_before_is_told_and_what_is_filtered_is_not()
    {
        await using var server = await Given.ServerAsync();
        await PutAsync(server, "a", "1");
        await PutAsync(server, "a", "2");
        await server.Kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Given.Bytes("a") });
        using var watch = new WatchUnderTest(server.Channel);

        await watch.CreatedAsync("a", from: 1, with: w => w.PrevKv = true);
        Assert.Equal("+a=1@2 +a=2@3(was 1@2) -a=@4(was 2@3)", await watch.NextEventsAsync());
        await watch.CreatedAsync("a", from: 1, with: w => w.Filters.Add(WatchCreateRequest.Types.FilterType.Noput));
        Assert.Equal("-a=@4", await watch.NextEventsAsync());
        await watch.CreatedAsync("a", from: 1, with: w => w.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete));
        Assert.Equal("+a=1@2 +a=2@3", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task No_key_is_the_least_key_and_with_an_open_end_every_key()
    {
        await using var server = await Given.ServerAsync();
        await PutAsync(server, "a", "1");
        using var watch = new WatchUnderTest(server.Channel);

        await watch.CreatedAsync("", "\0", from: 1);

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task Progress_is_told_for_the_whole_stream_when_everything_was()
    {
        await using var server = await Given.ServerAsync();
        await PutAsync(server, "a", "1");
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("a", from: 1);

        await watch.AskProgressAsync();

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
        var progress = await watch.NextAsync();
        Assert.True(progress is { WatchId: -1, Created: false, Canceled: false, Events.Count: 0, Header.Revision: 2 });
    }

    [Fact]
    public async Task An_answer_larger_than_a_request_is_cut_for_those_who_take_fragments_and_whole_for_others()
    {
        await using var server = await Given.ServerAsync("--max-request-bytes=100000");
        var txn = new TxnRequest();
        for (var i = 0; i < 9; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Given.Bytes($"k{i}"), Value = ByteString.CopyFrom(new byte[10_000]) } });
        await server.Kv.TxnAsync(txn);
        await server.Kv.TxnAsync(txn);
        using var watch = new WatchUnderTest(server.Channel);

        await watch.CreatedAsync("k", "l", from: 1, with: w => w.Fragment = true);
        var first = await watch.NextAsync();
        var last = await watch.NextAsync();
        Assert.Equal((true, false, 18), (first.Fragment, last.Fragment, first.Events.Count + last.Events.Count));
        Assert.True(first.CalculateSize() <= 101_000);

        await watch.CreatedAsync("k", "l", from: 1);
        Assert.Equal(18, (await watch.NextAsync()).Events.Count);
    }

    [Fact]
    public async Task A_client_that_has_said_all_it_had_to_say_is_still_told()
    {
        await using var server = await Given.ServerAsync();
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("a");
        await watch.SayNoMoreAsync();

        await PutAsync(server, "a", "1");

        Assert.Equal("+a=1@2", await watch.NextEventsAsync());
    }

    [Fact]
    public async Task Through_the_gateway_it_is_a_line_an_answer()
    {
        await using var server = await Given.ServerAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/watch") { Content = new StringContent("""{"create_request":{"key":"YQ=="}}""") };
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var created = await lines.ReadLineAsync();
        await PutAsync(server, "a", "1");
        var told = await lines.ReadLineAsync();

        Assert.Contains("\"created\": true", created, StringComparison.Ordinal);
        Assert.StartsWith("{\"result\":{", told, StringComparison.Ordinal);
        Assert.Contains("\"mod_revision\": \"2\"", told, StringComparison.Ordinal);
    }

    /// <summary>The first event; several revisions may come in one answer.</summary>
    private static async Task<string> NextOneAsync(WatchUnderTest watch) => (await watch.NextEventsAsync()).Split(' ')[0];

    private static Task<PutResponse> PutAsync(RunningServer server, string key, string value) =>
        server.Kv.PutAsync(new PutRequest { Key = Given.Bytes(key), Value = Given.Bytes(value) }).ResponseAsync;
}
