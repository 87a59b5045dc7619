using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Watching;

/// <summary>A client's watch stream.</summary>
internal sealed class TestWatchStream(ChannelBase channel, Metadata? headers = null) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> _call = new Watch.WatchClient(channel).Watch(headers);

    public Task CreateAsync(string key, string end = "", long from = 0, Action<WatchCreateRequest>? with = null)
    {
        var create = new WatchCreateRequest { Key = ServerFixture.Utf8(key), RangeEnd = ServerFixture.Utf8(end), StartRevision = from };
        with?.Invoke(create);
        return SendAsync(new WatchRequest { CreateRequest = create });
    }

    /// <summary>Creates a watcher and receives its created response.</summary>
    public async Task<WatchResponse> CreateAndConfirmAsync(string key, string end = "", long from = 0,
        Action<WatchCreateRequest>? with = null)
    {
        await CreateAsync(key, end, from, with);
        var created = await NextAsync();
        Assert.True(created is { Created: true, Canceled: false, Events.Count: 0 });
        return created;
    }

    public Task CancelAsync(long id) => SendAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } });

    public Task RequestProgressAsync() => SendAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });

    public Task CompleteRequestsAsync() => _call.RequestStream.CompleteAsync();

    public async Task<WatchResponse> NextAsync()
    {
        using var timeout = new CancellationTokenSource(Timeout);
        Assert.True(await _call.ResponseStream.MoveNext(timeout.Token), "the stream continues");
        return _call.ResponseStream.Current;
    }

    /// <summary>Receives the next events and formats them as text, one word per event.</summary>
    public async Task<string> NextEventsAsync() => Format(await NextAsync());

    public static string Format(WatchResponse response) => string.Join(' ', response.Events.Select(Format));

    public void Dispose() => _call.Dispose();

    private Task SendAsync(WatchRequest request) => _call.RequestStream.WriteAsync(request);

    private static string Format(Event e) =>
        $"{(e.Type == Event.Types.EventType.Put ? "+" : "-")}{Text(e.Kv.Key)}={Text(e.Kv.Value)}@{e.Kv.ModRevision}" +
        (e.PrevKv is { } p ? $"(was {Text(p.Value)}@{p.ModRevision})" : "");

    private static string Text(ByteString bytes) => bytes.ToStringUtf8();
}
