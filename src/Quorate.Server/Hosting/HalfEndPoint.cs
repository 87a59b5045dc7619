using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Quorate.Server.Hosting;

/// <summary>One protocol's half of a <see cref="SharedPort"/>, as Kestrel is told to listen on it.</summary>
internal sealed class HalfEndPoint(SharedPort port, ChannelReader<ConnectionContext> connections) : EndPoint
{
    /// <summary>The port whose half it is.</summary>
    public SharedPort Port { get; } = port;

    /// <summary>The connections that speak its protocol.</summary>
    public ChannelReader<ConnectionContext> Connections { get; } = connections;

    /// <inheritdoc/>
    public override string ToString() => Port.Address.ToString() ?? "";
}

/// <summary>Gives Kestrel the halves.</summary>
internal sealed class HalfListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is HalfEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new HalfListener((HalfEndPoint)endpoint));

    private sealed class HalfListener(HalfEndPoint half) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => half.Port.Address;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
                return await half.Connections.ReadAsync(either.Token).ConfigureAwait(false);
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
