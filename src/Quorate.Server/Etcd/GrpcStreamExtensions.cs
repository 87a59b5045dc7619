using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>Reads and writes the streams of a call in a way that lets the server end the call with a status.</summary>
/// <remarks>
/// A token passed to gRPC's own methods resets the call when it is cancelled: the client then receives a broken stream instead of the
/// status. These methods therefore get no token; only the wait for them is cancelled. The pending operation ends with the call, after the
/// status is sent.
/// </remarks>
internal static class GrpcStreamExtensions
{
    /// <summary>Reads the next message; returns null when the client has completed its stream.</summary>
    public static async Task<T?> NextAsync<T>(this IAsyncStreamReader<T> stream, CancellationToken cancellation)
        where T : class =>
        await stream.MoveNext(CancellationToken.None).WaitAsync(cancellation).ConfigureAwait(false) ? stream.Current : null;

    /// <summary>Sends a message and waits until the stream can accept the next one.</summary>
    public static Task SendAsync<T>(this IServerStreamWriter<T> stream, T message, CancellationToken cancellation) =>
        stream.WriteAsync(message, CancellationToken.None).WaitAsync(cancellation);
}
