using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using System.IO.Pipelines;
using Grpc.Core;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Stands before the gRPC services and turns away, in etcd's words, what the framework would refuse in its own.</summary>
/// <remarks>
/// A message that is too large is refused by its length prefix, before any of it is kept; a call that wants a leader (<c>hasleader</c>) is
/// refused at once when there is none. Where the first bytes are there already, which is nearly always, nothing here waits or allocates.
/// Shape of the prefix: one byte that says whether the message is compressed, then its length, 4 bytes, big-endian.
/// </remarks>
internal sealed class GrpcRequestFilter(RequestDelegate next, IRaftNode node, int messageBytesMax)
{
    private const int PrefixBytes = 5;

    /// <summary>Calls whose first message may come long after the call itself.</summary>
    private static readonly FrozenSet<string> ClientStreams =
        FrozenSet.ToFrozenSet(["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"], StringComparer.Ordinal);

    /// <summary>Whether a request is a gRPC call, as opposed to one for the gateway or the probes.</summary>
    public static bool IsGrpcRequest(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>Lets a call in, or turns it away.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.ContainsKey("hasleader") && node.Status.Leader == 0)
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

    /// <summary>The length that the prefix states, with all bytes left unread; null when the prefix is not whole yet.</summary>
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

    /// <summary>An answer of headers alone, as gRPC has it for calls that fail before they say anything.</summary>
    private static Task Reject(HttpContext context, Status status)
    {
        var response = context.Response;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = status.Detail;
        return Task.CompletedTask;
    }
}
