using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Globalization;
using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Hosting;
using Quorate.Server.Http;
using ReadResult = System.IO.Pipelines.ReadResult;

namespace Quorate.Server.Etcd;

/// <summary>
/// Middleware before the gRPC services: rejects, with etcd's errors, requests that the framework would reject with its own.
/// </summary>
/// <remarks>
/// The filter rejects a call that does not exist, a call that requires a leader (<c>hasleader</c> metadata) when there is none, a message
/// in an unknown format, and a message that is too large, by its length prefix, before any of it is buffered. If the first bytes have
/// already arrived, which is nearly always so, the filter neither waits nor allocates. Shape of the prefix: one byte that indicates
/// compression, then the message length, 4 bytes, big-endian.
/// </remarks>
internal sealed class GrpcRequestFilter(RequestDelegate next, IRaftNode<KvResult> node, int messageBytesMax, ReceiveBudget budget)
{
    private const int PrefixBytes = 5;
    private const byte Uncompressed = 0;
    private const byte Compressed = 1;

    /// <summary>Bidirectional streaming calls, whose first message may arrive long after the call started.</summary>
    private static readonly FrozenSet<string> ClientStreams =
        FrozenSet.ToFrozenSet(["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"], StringComparer.Ordinal);

    private static readonly FrozenSet<string> Services = FrozenSet.ToFrozenSet(
        new[]
        {
            Protos.KV.Descriptor, Protos.Lease.Descriptor, Protos.Watch.Descriptor, Protos.Cluster.Descriptor,
            Protos.Maintenance.Descriptor, Protos.Health.Descriptor,
        }.Select(service => service.FullName),
        StringComparer.Ordinal);

    /// <summary>Whether a request is a gRPC call, as opposed to a request for the JSON gateway or a health endpoint.</summary>
    public static bool IsGrpcRequest(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>Passes a call to the next middleware, or rejects it.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is null)
            return Reject(context, DescribeUnknownCall(context.Request.Path.Value ?? ""));
        if (context.Request.Headers.ContainsKey("hasleader") && !node.Status.HasLeader)
            return Reject(context, EtcdErrors.NoLeader().Status);
        if (ClientStreams.Contains(context.Request.Path.Value ?? ""))
            return next(context);

        var body = context.Request.BodyReader;
        MessagePrefix? prefix;
        try
        {
            if (!body.TryRead(out var read))
                return ReadPrefixAsync(context, body);
            prefix = Peek(read, body);
            if (prefix is null && !read.IsCompleted)
                return ReadPrefixAsync(context, body);
        }
        catch (Exception e) when (IsReset(e))
        {
            return Task.CompletedTask;
        }

        return CheckAsync(context, prefix);
    }

    /// <summary>The status of a call that no service has; code and texts are grpc-go's.</summary>
    private static Status DescribeUnknownCall(string path)
    {
        var slash = path.LastIndexOf('/');
        if (slash <= 0)
            return EtcdErrors.MalformedMethodName(path).Status;
        var (service, method) = (path[1..slash], path[(slash + 1)..]);
        return (Services.Contains(service) ? EtcdErrors.UnknownMethod(service, method) : EtcdErrors.UnknownService(service)).Status;
    }

    private async Task ReadPrefixAsync(HttpContext context, PipeReader body)
    {
        MessagePrefix? prefix;
        try
        {
            ReadResult read;
            do
            {
                read = await body.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                prefix = Peek(read, body);
            }
            while (prefix is null && !read.IsCompleted);
        }
        catch (Exception e) when (IsReset(e))
        {
            return;
        }

        await CheckAsync(context, prefix).ConfigureAwait(false);
    }

    /// <summary>Whether the client has reset the call or closed its connection, so that no response can reach it.</summary>
    private static bool IsReset(Exception e) => e is OperationCanceledException or (IOException and not BadHttpRequestException);

    private Task CheckAsync(HttpContext context, MessagePrefix? prefix) => prefix switch
    {
        { Length: var length } when length > messageBytesMax =>
            Reject(context, EtcdErrors.MessageTooLarge(length, messageBytesMax).Status),
        { Length: var length } when length >= ReceiveBudget.LargeBytesMin => ReceiveLargeAsync(context, prefix.Value),
        _ => CheckFormatAsync(context, prefix),
    };

    private Task CheckFormatAsync(HttpContext context, MessagePrefix? prefix) => prefix switch
    {
        { Flag: Uncompressed } or null => next(context),
        { Flag: Compressed } => DecompressAsync(context),
        { Flag: var flag } => Reject(context, EtcdErrors.UnknownPayloadFormat(flag).Status),
    };

    /// <summary>Passes a call with a large message on as soon as the budget allows it.</summary>
    private async Task ReceiveLargeAsync(HttpContext context, MessagePrefix prefix)
    {
        if (!await budget.TryAcquireAsync(prefix.Length, context.RequestAborted).ConfigureAwait(false))
        {
            await Reject(context, EtcdErrors.TooManyRequests().Status).ConfigureAwait(false);
            return;
        }

        try
        {
            await CheckFormatAsync(context, prefix).ConfigureAwait(false);
        }
        finally
        {
            budget.Release(prefix.Length);
        }
    }

    /// <summary>
    /// Runs a call whose message is compressed. The framework ends it with <c>Unknown</c> if the message cannot be decompressed.
    /// </summary>
    private async Task DecompressAsync(HttpContext context)
    {
        await next(context).ConfigureAwait(false);
        var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        foreach (var headers in new[] { context.Response.HasStarted ? null : context.Response.Headers, trailers })
        {
            if (headers is null || headers["grpc-status"] != "2")
                continue;
            var status = EtcdErrors.CannotDecompress().Status;
            headers["grpc-status"] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
            headers["grpc-message"] = status.Detail;
        }
    }

    /// <summary>Returns the prefix of a message, or null if it is incomplete. Consumes no bytes.</summary>
    private static MessagePrefix? Peek(ReadResult read, PipeReader body)
    {
        if (read.Buffer.Length < PrefixBytes)
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            return null;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        read.Buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        body.AdvanceTo(read.Buffer.Start);
        return new MessagePrefix(prefix[0], BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }

    private static Task Reject(HttpContext context, Status status)
    {
        HttpResponses.WriteGrpcError(context, status);
        return Task.CompletedTask;
    }

    private readonly record struct MessagePrefix(byte Flag, long Length);
}
