using Quorate.Node.Threading;

namespace Quorate.Node.Transport;

/// <summary>What the listeners, the peers and the connections of one transport share. Nothing in it is replaced while it runs.</summary>
/// <param name="options">The options.</param>
/// <param name="signalLoop">Signals the loop that the receive queue is not empty.</param>
/// <param name="onFault">Called with an unexpected exception: it stops the node.</param>
/// <param name="ending">Cancelled when the transport stops.</param>
internal sealed class TransportContext(
    TcpTransportOptions options, Action signalLoop, Action<Exception> onFault, CancellationToken ending)
{
    /// <summary>The identity of this node, the limits and the clock.</summary>
    public TcpTransportOptions Options => options;

    /// <summary>Cancelled when the transport stops.</summary>
    public CancellationToken Ending => ending;

    /// <summary>The tasks and threads of the transport, all of which have ended when it is disposed.</summary>
    public TaskTracker TaskTracker { get; } = new(onFault);

    /// <summary>The received frames that wait for the driver.</summary>
    public ReceiveQueue ReceiveQueue { get; } = new();

    /// <summary>Reports events to the operator.</summary>
    public TransportEventReporter Events { get; } = new(options);

    /// <summary>The oldest protocol version that this node accepts at the present version of the cluster.</summary>
    public ushort OldestProtocol => Handshake.OldestFor(options.ClusterVersion());

    /// <summary>Signals the loop that the receive queue is not empty.</summary>
    public void SignalLoop() => signalLoop();
}
