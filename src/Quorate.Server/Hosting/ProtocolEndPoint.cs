using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>One protocol's part of a <see cref="ProtocolMux"/>, the endpoint on which Kestrel listens for that protocol.</summary>
internal sealed class ProtocolEndPoint(ProtocolMux mux, ChannelReader<ConnectionContext> connections) : EndPoint
{
    /// <summary>The listener shared by both protocols.</summary>
    public ProtocolMux Mux { get; } = mux;

    /// <summary>The accepted connections that use this protocol.</summary>
    public ChannelReader<ConnectionContext> Connections { get; } = connections;

    /// <inheritdoc/>
    public override string ToString() => Mux.Address.ToString() ?? "";
}

/// <summary>Creates Kestrel's listeners for <see cref="ProtocolEndPoint"/>.</summary>
internal sealed class ProtocolListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is ProtocolEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new ProtocolListener((ProtocolEndPoint)endpoint));

    private sealed class ProtocolListener(ProtocolEndPoint endPoint) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => endPoint.Mux.Address;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
                return await endPoint.Connections.ReadAsync(linked.Token).ConfigureAwait(false);
            }
            catch (ChannelClosedException)
            {
                return null;
            }
            catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
            {
                return null;
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => new(_unbound.CancelAsync());

        public ValueTask DisposeAsync()
        {
            _unbound.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
