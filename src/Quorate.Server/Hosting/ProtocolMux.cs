using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>
/// One clear-text listener for HTTP/2 and HTTP/1.1: a connection that begins with the HTTP/2 preface is HTTP/2, all others HTTP/1.1.
/// </summary>
/// <remarks>
/// Kestrel serves only one of the two on a clear-text endpoint, because without TLS there is no ALPN to negotiate the protocol; etcd's
/// clients expect gRPC, JSON and <c>/health</c> on the same port. Kestrel therefore gets two endpoints that share this listener, and the
/// first bytes of a connection select the endpoint. The bytes are examined and not consumed. etcd does the same with cmux.
/// Threading: opened once; the accept loop runs until <see cref="DisposeAsync"/>.
/// Source: RFC 9113 §3.4 (the preface).
/// </remarks>
internal sealed class ProtocolMux : IAsyncDisposable
{
    // With EtcdHost.RequestHeadersTimeout, a connection that never completes a request is closed within 15 s.
    private static readonly TimeSpan FirstBytesTimeout = TimeSpan.FromSeconds(5);

    private readonly IConnectionListener _listener;
    private readonly Channel<ConnectionContext> _http1 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Channel<ConnectionContext> _http2 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly CancellationTokenSource _closing = new();
    private Task _accepting = Task.CompletedTask;

    private ProtocolMux(IConnectionListener listener) => _listener = listener;

    /// <summary>The bound address, with the actual port if the operating system chose it.</summary>
    public EndPoint Address => _listener.EndPoint;

    /// <summary>The endpoint of the HTTP/1.1 connections.</summary>
    public ProtocolEndPoint Http1 => new(this, _http1.Reader);

    /// <summary>The endpoint of the HTTP/2 connections.</summary>
    public ProtocolEndPoint Http2 => new(this, _http2.Reader);

    /// <summary>Binds the port. Connections wait in the operating system's backlog until <see cref="Start"/>.</summary>
    /// <exception cref="AddressInUseException">Another process uses the port.</exception>
    public static async Task<ProtocolMux> OpenAsync(
        IConnectionListenerFactory sockets, IPEndPoint address, CancellationToken cancellation) =>
        new(await sockets.BindAsync(address, cancellation).ConfigureAwait(false));

    /// <summary>Starts the accept loop.</summary>
    public void Start() => _accepting = AcceptAsync();

    /// <summary>Stops the accept loop and closes the listener.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _listener.UnbindAsync(CancellationToken.None).ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (await _listener.AcceptAsync(CancellationToken.None).ConfigureAwait(false) is { } connection)
            _ = DispatchAsync(connection); // Not awaited: it ends with the first bytes, their deadline, or the disposal of the mux.

        _http1.Writer.TryComplete();
        _http2.Writer.TryComplete();
    }

    private async Task DispatchAsync(ConnectionContext connection)
    {
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            deadline.CancelAfter(FirstBytesTimeout);
            var target = await Http2PrefaceDetector.DetectAsync(connection.Transport.Input, deadline.Token).ConfigureAwait(false) switch
            {
                true => _http2,
                false => _http1,
                null => null,
            };
            if (target is not null && target.Writer.TryWrite(connection))
                return;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException or InvalidOperationException)
        {
            // No bytes arrived in time, or the client disconnected: the connection is closed without a response.
        }

        connection.Abort();
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
