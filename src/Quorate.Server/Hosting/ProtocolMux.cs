using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

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

    /// <summary>The wait after a failed accept; accepting in a tight loop would take processor time from the connected clients.</summary>
    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(100);

    private const int Backlog = 512;

    // What a connection can make the server hold of an HTTP/1.1 request that nothing reads yet; Kestrel's default is 1 MiB.
    private const int ReadBufferBytesMax = 64 * 1024;

    private readonly Socket _listener;
    private readonly SocketConnectionContextFactory _connections;
    private readonly RefusalLog _refusals;
    private readonly Channel<ConnectionContext> _http1 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly Channel<ConnectionContext> _http2 = Channel.CreateUnbounded<ConnectionContext>();
    private readonly CancellationTokenSource _closing = new();
    private Task _accepting = Task.CompletedTask;

    private ProtocolMux(Socket listener, ILogger log)
    {
        _listener = listener;
        _refusals = new RefusalLog(log, TimeProvider.System);
        _connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions { MaxReadBufferSize = ReadBufferBytesMax }, log);
        Address = listener.LocalEndPoint!;
    }

    /// <summary>The bound address, with the actual port if the operating system chose it.</summary>
    public EndPoint Address { get; }

    /// <summary>The endpoint of the HTTP/1.1 connections.</summary>
    public ProtocolEndPoint Http1 => new(this, _http1.Reader);

    /// <summary>The endpoint of the HTTP/2 connections.</summary>
    public ProtocolEndPoint Http2 => new(this, _http2.Reader);

    /// <summary>Binds the port. Connections wait in the operating system's backlog until <see cref="Start"/>.</summary>
    /// <exception cref="SocketException">Another process uses the port, or the address is not one of this host.</exception>
    public static ProtocolMux Open(IPEndPoint address, ILogger log)
    {
        var listener = SocketTransportOptions.CreateDefaultBoundListenSocket(address);
        try
        {
            listener.Listen(Backlog);
            return new ProtocolMux(listener, log);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Starts the accept loop.</summary>
    public void Start(ClientConnectionLimiter limiter) => _accepting = AcceptAsync(limiter);

    /// <summary>
    /// Stops the accept loop and closes the listener: a client that connects is refused at once, and tries another member. Connections that
    /// were accepted before stay open.
    /// </summary>
    public async ValueTask StopAcceptingAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _listener.Dispose();
    }

    /// <summary>Stops accepting, and closes the connections that Kestrel has not taken. Kestrel must have been stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAcceptingAsync().ConfigureAwait(false);
        foreach (var channel in new[] { _http1, _http2 })
        {
            channel.Writer.TryComplete();
            while (channel.Reader.TryRead(out var connection))
            {
                connection.Abort();
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        _connections.Dispose();
        _closing.Dispose();
    }

    private async Task AcceptAsync(ClientConnectionLimiter limiter)
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Admit(await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false), limiter);
            }
            catch (OperationCanceledException)
            {
                // The mux is being disposed.
            }
            catch (SocketException fault)
            {
                // Most likely no file descriptor is free. A client that disconnected in the backlog also ends here; the delay is harmless.
                _refusals.AcceptFailed(fault);
                await Task.Delay(AcceptRetryDelay, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        _http1.Writer.TryComplete();
        _http2.Writer.TryComplete();
    }

    private void Admit(Socket socket, ClientConnectionLimiter limiter)
    {
        if (!limiter.TryAcquire(socket))
        {
            _refusals.Refused(limiter.ConnectionsMax);
            socket.Dispose();
            return;
        }

        ConnectionContext connection;
        try
        {
            socket.NoDelay = true;
            connection = _connections.Create(socket);
        }
        catch
        {
            limiter.Release();
            socket.Dispose();
            throw;
        }

        var counted = new CountedConnection(connection, limiter);
        counted.Features.Set(counted);

        // Not awaited: it ends with the first bytes, their deadline, or the disposal of the mux.
        _ = DispatchAsync(counted);
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
