using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>One protocol's half of a <see cref="ProtocolMux"/>, as Kestrel is told to listen on it.</summary>
internal sealed class ProtocolEndPoint(ProtocolMux mux, ChannelReader<ConnectionContext> connections) : EndPoint
{
    /// <summary>The port whose half it is.</summary>
    public ProtocolMux Mux { get; } = mux;

    /// <summary>The connections that speak its protocol.</summary>
    public ChannelReader<ConnectionContext> Connections { get; } = connections;

    /// <inheritdoc/>
    public override string ToString() => Mux.Address.ToString() ?? "";
}

/// <summary>Gives Kestrel the halves.</summary>
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
