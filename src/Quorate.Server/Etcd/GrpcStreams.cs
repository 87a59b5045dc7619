using Grpc.Core;

namespace Quorate.Server.Etcd;

/// <summary>Reading and writing the streams of a call so that it can be ended from this side with a status.</summary>
/// <remarks>
/// A token given to gRPC's own methods resets the call when it is cancelled: the client then hears of a broken connection and not of the
/// reason. So they get none, and it is the waiting that ends. What is left under way ends with the call, whose status comes first.
/// </remarks>
internal static class GrpcStreams
{
    /// <summary>The next message; null when the client has no more.</summary>
    public static async Task<T?> NextAsync<T>(this IAsyncStreamReader<T> stream, CancellationToken cancellation)
        where T : class =>
        await stream.MoveNext(CancellationToken.None).WaitAsync(cancellation).ConfigureAwait(false) ? stream.Current : null;

    /// <summary>Sends a message, and waits until there is room for another.</summary>
    public static Task SendAsync<T>(this IServerStreamWriter<T> stream, T message, CancellationToken cancellation) =>
        stream.WriteAsync(message, CancellationToken.None).WaitAsync(cancellation);
}
