using System.Buffers;
using System.Collections.Frozen;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Etcd;
using Quorate.Server.Hosting;
using Quorate.Server.Settings;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Http;

/// <summary>The JSON gateway: etcd's API as JSON over HTTP POST, for clients without gRPC.</summary>
/// <remarks>
/// In responses, bytes are base64, 64-bit integers are strings, field names are those of the .proto files, and default values are omitted.
/// What a request may contain is at <see cref="JsonMessageParser"/>. Uses Google.Protobuf's formatter, because ASP.NET's transcoding does
/// not support Native AOT. Source: etcd's gRPC gateway.
/// </remarks>
internal sealed class JsonGateway
{
    private const string TxnPath = "/v3/kv/txn";

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    private readonly FrozenDictionary<string, Func<ReadOnlyMemory<byte>, RequestContext, Task<IMessage>>> _calls;
    private readonly JsonStreamingCalls _streams;
    private readonly CancellationToken _stopping;
    private readonly int _bodyBytesMax;
    private readonly int _operationsMax;
    private readonly ReceiveBudget _budget;
    private readonly LargeResponseLimiter _largeResponses;

    public JsonGateway(
        KvApi kv, LeaseApi leases, ClusterService cluster, MaintenanceService maintenance, JsonStreamingCalls streams, RequestLimits limits,
        ReceiveBudget budget, LargeResponseLimiter largeResponses, CancellationToken stopping)
    {
        _streams = streams;
        _stopping = stopping;

        // Base64 encodes three bytes as four; field names and braces add little to that.
        _bodyBytesMax = limits.MessageBytesMax / 3 * 4;
        _operationsMax = limits.TxnOperationsMax;
        _budget = budget;
        _largeResponses = largeResponses;
        _calls = new Dictionary<string, Func<ReadOnlyMemory<byte>, RequestContext, Task<IMessage>>>(StringComparer.Ordinal)
        {
            ["/v3/kv/range"] = Call<Wire.RangeRequest, Wire.RangeResponse>(kv.RangeAsync),
            ["/v3/kv/put"] = Call<Wire.PutRequest, Wire.PutResponse>(kv.PutAsync),
            ["/v3/kv/deleterange"] = Call<Wire.DeleteRangeRequest, Wire.DeleteRangeResponse>(kv.DeleteRangeAsync),
            [TxnPath] = Call<Wire.TxnRequest, Wire.TxnResponse>(kv.TxnAsync),
            ["/v3/kv/compaction"] = Call<Wire.CompactionRequest, Wire.CompactionResponse>(kv.CompactAsync),
            ["/v3/lease/grant"] = Call<Wire.LeaseGrantRequest, Wire.LeaseGrantResponse>(leases.GrantAsync),
            ["/v3/lease/revoke"] = Call<Wire.LeaseRevokeRequest, Wire.LeaseRevokeResponse>(leases.RevokeAsync),
            ["/v3/lease/timetolive"] = Call<Wire.LeaseTimeToLiveRequest, Wire.LeaseTimeToLiveResponse>(leases.TimeToLiveAsync),
            ["/v3/lease/leases"] = Call<Wire.LeaseLeasesRequest, Wire.LeaseLeasesResponse>((_, call) => leases.LeasesAsync(call)),
            ["/v3/kv/lease/revoke"] = Call<Wire.LeaseRevokeRequest, Wire.LeaseRevokeResponse>(leases.RevokeAsync),
            ["/v3/kv/lease/timetolive"] = Call<Wire.LeaseTimeToLiveRequest, Wire.LeaseTimeToLiveResponse>(leases.TimeToLiveAsync),
            ["/v3/kv/lease/leases"] = Call<Wire.LeaseLeasesRequest, Wire.LeaseLeasesResponse>((_, call) => leases.LeasesAsync(call)),
            ["/v3/cluster/member/list"] = Call<Wire.MemberListRequest, Wire.MemberListResponse>(cluster.MemberListAsync),
            ["/v3/cluster/member/add"] = Call<Wire.MemberAddRequest, Wire.MemberAddResponse>(cluster.MemberAddAsync),
            ["/v3/cluster/member/remove"] = Call<Wire.MemberRemoveRequest, Wire.MemberRemoveResponse>(cluster.MemberRemoveAsync),
            ["/v3/cluster/member/update"] = Call<Wire.MemberUpdateRequest, Wire.MemberUpdateResponse>(cluster.MemberUpdateAsync),
            ["/v3/cluster/member/promote"] = Call<Wire.MemberPromoteRequest, Wire.MemberPromoteResponse>(cluster.MemberPromoteAsync),
            ["/v3/maintenance/alarm"] = Call<Wire.AlarmRequest, Wire.AlarmResponse>(
                (request, _) => new(maintenance.AlarmAsync(request))),
            ["/v3/maintenance/defragment"] = Call<Wire.DefragmentRequest, Wire.DefragmentResponse>(
                (_, _) => new(MaintenanceService.DefragmentAsync())),
            ["/v3/maintenance/hash"] = Call<Wire.HashRequest, Wire.HashResponse>((_, _) => new(maintenance.HashAsync())),
            ["/v3/maintenance/hashkv"] = Call<Wire.HashKVRequest, Wire.HashKVResponse>(
                (request, _) => new(maintenance.HashKvAsync(request))),
            ["/v3/maintenance/transfer-leadership"] = Call<Wire.MoveLeaderRequest, Wire.MoveLeaderResponse>(
                (request, call) => new(maintenance.MoveLeaderAsync(request, call))),
            ["/v3/maintenance/status"] = Call<Wire.StatusRequest, Wire.StatusResponse>((_, _) => new(maintenance.Status())),
        }.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Whether a path belongs to the gateway, even if no call exists at that path.</summary>
    public static bool Matches(string path) => path.StartsWith("/v3/", StringComparison.Ordinal);

    /// <summary>Handles one request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var stream = _streams.Find(path);
        if (!_calls.TryGetValue(path, out var call) && stream is null)
        {
            await HttpResponses.WriteErrorAsync(context, EtcdErrors.PathNotFound().Status).ConfigureAwait(false);
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            await HttpResponses.WriteMethodNotAllowedAsync(context, "POST").ConfigureAwait(false);
            return;
        }

        // A stream may stay open for days, so it takes nothing from the budget, and its request must be small.
        var bodyBytes = context.Request.ContentLength ?? _bodyBytesMax;
        if (stream is not null || bodyBytes < ReceiveBudget.LargeBytesMin || bodyBytes > _bodyBytesMax)
        {
            await CallAsync(context, call, stream, path).ConfigureAwait(false);
            return;
        }

        if (!await _budget.TryAcquireAsync(bodyBytes, context.RequestAborted).ConfigureAwait(false))
        {
            CloseConnection(context);
            await HttpResponses.WriteErrorAsync(context, EtcdErrors.TooManyRequests().Status).ConfigureAwait(false);
            return;
        }

        try
        {
            await CallAsync(context, call, stream, path).ConfigureAwait(false);
        }
        finally
        {
            _budget.Release(bodyBytes);
        }
    }

    private async Task CallAsync(
        HttpContext context, Func<ReadOnlyMemory<byte>, RequestContext, Task<IMessage>>? call,
        Func<ReadOnlyMemory<byte>, Func<IMessage, CancellationToken, Task>, RequestContext, Task>? stream, string path)
    {
        try
        {
            using var deadline = CallDeadline.Start(context.Request.Headers[CallDeadline.Header], context.RequestAborted);
            var request = RequestContext.From(context, deadline.ExpiresAt, deadline.Token);
            var bytesMax = stream is null ? _bodyBytesMax : ReceiveBudget.LargeBytesMin;
            var json = await ReadBodyAsync(context, bytesMax, isTxn: path == TxnPath).ConfigureAwait(false);
            if (stream is not null)
            {
                await new JsonStreamWriter(context, Formatter)
                    .RunAsync((send, streamCall) => stream(json, send, streamCall), request, _stopping).ConfigureAwait(false);
                return;
            }

            var response = await call!(json, request).ConfigureAwait(false);
            request.ThrowIfCancelled();
            if (response is Wire.RangeResponse range && LargeResponses.IsLarge(range))
            {
                await new LargeJsonWriter(context, Formatter, _largeResponses, request).WriteAsync(range).ConfigureAwait(false);
                return;
            }

            await HttpResponses.WriteJsonAsync(context, StatusCodes.Status200OK, Formatter.Format(response)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.Response.HasStarted)
        {
            // The deadline has passed within a large response: the client must see that the rest is missing.
            context.Abort();
        }
        catch (RpcException error)
        {
            await HttpResponses.WriteErrorAsync(context, error.Status).ConfigureAwait(false);
        }
    }

    private static Func<ReadOnlyMemory<byte>, RequestContext, Task<IMessage>> Call<TRequest, TResponse>(
        Func<TRequest, RequestContext, ValueTask<TResponse>> call)
        where TRequest : IMessage, new()
        where TResponse : IMessage =>
        async (json, context) => await call(JsonMessageParser.Parse<TRequest>(json.Span), context).ConfigureAwait(false);

    // The rest of the body stays unread, so the connection cannot carry another request.
    private static void CloseConnection(HttpContext context)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
    }

    private async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context, int bytesMax, bool isTxn)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);

            // Every read is followed by AdvanceTo, also if the body is rejected: Kestrel drains the rest of the body before the next
            // request of the connection, and its read would fail while this one is open.
            if (read.Buffer.Length > bytesMax)
            {
                var length = read.Buffer.Length;
                reader.AdvanceTo(read.Buffer.End);

                CloseConnection(context);
                throw EtcdErrors.MessageTooLarge(length, bytesMax);
            }

            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var exceeds = isTxn && JsonOperationCounter.Exceeds(read.Buffer, _operationsMax);
            var body = exceeds ? [] : read.Buffer.ToArray();
            reader.AdvanceTo(read.Buffer.End);
            return exceeds ? throw EtcdErrors.From(Kv.KvError.TooManyOperations) : body;
        }
    }
}
