using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>One clear-text port for two protocols: whoever begins with the HTTP/2 preface gets HTTP/2, everyone else HTTP/1.1.</summary>
/// <remarks>
/// Kestrel serves only one of them on a clear-text endpoint, because there is no TLS handshake to agree on one; etcd's clients expect gRPC,
/// JSON and <c>/health</c> on the same port. So Kestrel is given two endpoints that share this listener, and the first bytes of a connection
/// decide which of them gets it. The bytes are looked at and left where they are.
/// Threading: opened once; accepting runs on its own until <see cref="DisposeAsync"/>.
/// Source: RFC 9113 §3.4 (the preface).
/// </remarks>
internal sealed class ProtocolMux : IAsyncDisposable
{
    private static readonly TimeSpan FirstBytesTimeout = TimeSpan.FromSeconds(30);

    private readonly IConnectionListener _listener;
    private readonly Channel<ConnectionContext> _http1 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Channel<ConnectionContext> _http2 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly CancellationTokenSource _closing = new();
    private Task _accepting = Task.CompletedTask;

    private ProtocolMux(IConnectionListener listener) => _listener = listener;

    /// <summary>Where it listens; the port is the real one, also if the system chose it.</summary>
    public EndPoint Address => _listener.EndPoint;

    /// <summary>The endpoint whose connections speak HTTP/1.1.</summary>
    public ProtocolEndPoint Http1 => new(this, _http1.Reader);

    /// <summary>The endpoint whose connections speak HTTP/2.</summary>
    public ProtocolEndPoint Http2 => new(this, _http2.Reader);

    /// <summary>Takes the port. Connections wait in the system's queue until <see cref="Start"/>.</summary>
    /// <exception cref="AddressInUseException">Somebody else has it.</exception>
    public static async Task<ProtocolMux> OpenAsync(IConnectionListenerFactory sockets, IPEndPoint address, CancellationToken cancellation) =>
        new(await sockets.BindAsync(address, cancellation).ConfigureAwait(false));

    /// <summary>Begins to accept.</summary>
    public void Start() => _accepting = AcceptAsync();

    /// <summary>Closes the port.</summary>
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
            _ = DispatchAsync(connection); // Owned by the connection: it ends when the first bytes, their deadline or our end come.

        _http1.Writer.TryComplete();
        _http2.Writer.TryComplete();
    }

    private async Task DispatchAsync(ConnectionContext connection)
    {
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            deadline.CancelAfter(FirstBytesTimeout);
            var target = await Http2Preface.DetectAsync(connection.Transport.Input, deadline.Token).ConfigureAwait(false) switch
            {
                true => _http2,
                false => _http1,
                null => null,
            };
            if (target == _http2)
                connection.Transport = new RewritingPipe(new AuthorityRewriter(connection.Transport.Input), connection.Transport.Output);
            if (target is not null && target.Writer.TryWrite(connection))
                return;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException or InvalidOperationException)
        {
            // Nothing came, or the peer went away: there is nobody to tell.
        }

        connection.Abort();
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private sealed record RewritingPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
