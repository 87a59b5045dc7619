using System.Net;
using Grpc.Core;
using Quorate.Kv;

namespace Quorate.Server.Etcd;

/// <summary>One call of a client: its sender, and how long the sender waits for the response.</summary>
/// <remarks>
/// Every gRPC call and every call of the JSON gateway has one. It is passed down to the Raft node, so that a call that its client has
/// cancelled, or whose deadline has passed, frees its place there at once: the pending proposal or read, and its share of the limits.
/// Shape: immutable. It does not reference the call, which the framework reuses, so it may outlive it.
/// </remarks>
internal sealed class RequestContext : IReadCancellation
{
    private readonly IPAddress? _peerAddress;
    private readonly int _peerPort;
    private readonly CancellationToken _disconnected;

    private RequestContext(
        IPAddress? peerAddress, int peerPort, DateTime deadline, CancellationToken disconnected, CancellationToken cancellation)
    {
        _peerAddress = peerAddress;
        _peerPort = peerPort;
        _disconnected = disconnected;
        Deadline = deadline;
        Cancellation = cancellation;
    }

    /// <summary>Cancelled when the client cancels the call or closes its connection, and when the deadline has passed.</summary>
    public CancellationToken Cancellation { get; }

    bool IReadCancellation.IsCancellationRequested => Cancellation.IsCancellationRequested;

    /// <summary>
    /// The time (UTC) until which the client waits, from the header <c>grpc-timeout</c>; <see cref="DateTime.MaxValue"/> without one.
    /// </summary>
    public DateTime Deadline { get; }

    /// <summary>The authenticated user; null, because authentication is not supported yet.</summary>
    public string? User { get; init; }

    /// <summary>The address and port of the client, for logs; <c>server</c> for a request of the server itself.</summary>
    public string Peer => _peerAddress is null ? "server" : new IPEndPoint(_peerAddress, _peerPort).ToString();

    /// <summary>The context of a gRPC call.</summary>
    public static RequestContext From(ServerCallContext call) => From(call.GetHttpContext(), call.Deadline, call.CancellationToken);

    /// <summary>The context of an HTTP request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="deadline">The deadline, UTC; <see cref="DateTime.MaxValue"/> for none.</param>
    /// <param name="cancellation">
    /// Cancelled when the client closes the connection, and when <paramref name="deadline"/> has passed.
    /// </param>
    public static RequestContext From(HttpContext http, DateTime deadline, CancellationToken cancellation) =>
        new(http.Connection.RemoteIpAddress, http.Connection.RemotePort, deadline, http.RequestAborted, cancellation);

    /// <summary>The context of a request that the server itself makes.</summary>
    public static RequestContext FromServer(CancellationToken cancellation) =>
        new(null, 0, DateTime.MaxValue, CancellationToken.None, cancellation);

    /// <summary>The same call with another cancellation token, for a call that the server can end as well.</summary>
    public RequestContext With(CancellationToken cancellation) =>
        new(_peerAddress, _peerPort, Deadline, _disconnected, cancellation) { User = User };

    /// <summary>Ends a call whose client has stopped waiting.</summary>
    /// <remarks>Called before each step that takes time or memory for a large result.</remarks>
    /// <exception cref="RpcException">The client cancelled the call or closed its connection, or the deadline has passed.</exception>
    public void ThrowIfCancelled()
    {
        if (Cancellation.IsCancellationRequested)
            throw ToError();
    }

    /// <summary>The error of a call whose <see cref="Cancellation"/> is cancelled: by its client or by its deadline.</summary>
    /// <remarks>The clock is not compared with the deadline: a timer may fire slightly before the clock shows its time.</remarks>
    public RpcException ToError() => Deadline == DateTime.MaxValue || _disconnected.IsCancellationRequested
        ? EtcdErrors.Cancelled()
        : EtcdErrors.DeadlineExceeded();
}
