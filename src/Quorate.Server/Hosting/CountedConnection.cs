using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Quorate.Server.Hosting;

/// <summary>A client connection that is counted until its socket is closed.</summary>
/// <remarks>
/// The count must not end with <see cref="ConnectionClosed"/>: that is cancelled when the client has closed its direction, and the server
/// may still have a request of it to answer.
/// </remarks>
internal sealed class CountedConnection(ConnectionContext inner, ClientConnectionLimiter limiter) : ConnectionContext
{
    private int _disposed;

    /// <summary>The streams of this connection that its client has reset.</summary>
    public StreamResetCounter Resets { get; } = new(TimeProvider.System);

    /// <inheritdoc/>
    public override IDuplexPipe Transport
    {
        get => inner.Transport;
        set => inner.Transport = value;
    }

    /// <inheritdoc/>
    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    /// <inheritdoc/>
    public override IFeatureCollection Features => inner.Features;

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    /// <inheritdoc/>
    public override void Abort() => inner.Abort();

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            await inner.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
                limiter.Release();
        }
    }
}
