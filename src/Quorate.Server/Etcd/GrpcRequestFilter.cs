using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using System.IO.Pipelines;
using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Http;
using ReadResult = System.IO.Pipelines.ReadResult;

namespace Quorate.Server.Etcd;

/// <summary>
/// Middleware before the gRPC services: rejects, with etcd's errors, requests that the framework would reject with its own.
/// </summary>
/// <remarks>
/// The filter rejects a message that is too large by its length prefix, before any of it is buffered, and a call that requires a leader
/// (<c>hasleader</c> metadata) when there is none. If the first bytes have already arrived, which is nearly always so, the filter neither
/// waits nor allocates. Shape of the prefix: one byte that indicates compression, then the message length, 4 bytes, big-endian.
/// </remarks>
internal sealed class GrpcRequestFilter(RequestDelegate next, IRaftNode<KvResult> node, int messageBytesMax)
{
    private const int PrefixBytes = 5;

    /// <summary>Bidirectional streaming calls, whose first message may arrive long after the call started.</summary>
    private static readonly FrozenSet<string> ClientStreams =
        FrozenSet.ToFrozenSet(["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"], StringComparer.Ordinal);

    /// <summary>Whether a request is a gRPC call, as opposed to a request for the JSON gateway or a health endpoint.</summary>
    public static bool IsGrpcRequest(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>Passes a call to the next middleware, or rejects it.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.ContainsKey("hasleader") && !node.Status.HasLeader)
            return Reject(context, EtcdErrors.NoLeader().Status);
        if (ClientStreams.Contains(context.Request.Path.Value ?? ""))
            return next(context);

        var body = context.Request.BodyReader;
        if (!body.TryRead(out var read))
            return ReadPrefixAsync(context, body);
        var length = PeekLength(read, body);
        return length is null && !read.IsCompleted ? ReadPrefixAsync(context, body) : CheckLength(context, length);
    }

    private async Task ReadPrefixAsync(HttpContext context, PipeReader body)
    {
        long? length;
        ReadResult read;
        do
        {
            read = await body.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            length = PeekLength(read, body);
        }
        while (length is null && !read.IsCompleted);

        await CheckLength(context, length).ConfigureAwait(false);
    }

    private Task CheckLength(HttpContext context, long? length) =>
        length > messageBytesMax ? Reject(context, EtcdErrors.MessageTooLarge(length.Value, messageBytesMax).Status) : next(context);

    /// <summary>Returns the message length in the prefix, or null if the prefix is incomplete. Consumes no bytes.</summary>
    private static long? PeekLength(ReadResult read, PipeReader body)
    {
        if (read.Buffer.Length < PrefixBytes)
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            return null;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        read.Buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        body.AdvanceTo(read.Buffer.Start);
        return BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
    }

    private static Task Reject(HttpContext context, Status status)
    {
        HttpResponses.WriteGrpcError(context, status);
        return Task.CompletedTask;
    }
}
